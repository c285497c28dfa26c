/// How much a client may send at a time. The values are Redis' own.
public struct RESPLimits: Sendable, Equatable {
    /// The longest argument, in bytes.
    public var bulkBytes = 512 << 20
    /// Arguments of one command, its name among them.
    public var arguments = 1 << 20
    /// All arguments of one command together, in bytes.
    public var commandBytes = 1 << 30
    /// The longest inline command, in bytes. Before authentication too.
    public var inlineBytes = 64 << 10

    /// The longest argument before authentication, in bytes.
    public var bulkBytesBeforeAuthentication = 16 << 10
    /// Arguments of one command before authentication.
    public var argumentsBeforeAuthentication = 10

    public init() {}
}
