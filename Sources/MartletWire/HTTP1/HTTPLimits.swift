/// Bounds on what a peer may send. Everything counted in bytes is checked before it is stored.
public struct HTTPLimits: Sendable, Equatable {
    /// Request or status line and all field lines together (431).
    public var headBytes = 64 << 10
    /// One field line (431).
    public var fieldBytes = 16 << 10
    /// Number of field lines (431).
    public var fields = 100
    /// The request target (414).
    public var targetBytes = 8 << 10
    /// All trailer lines of a chunked body together (400).
    public var trailerBytes = 4 << 10
    /// One chunk-size line, extensions included (400).
    public var chunkLineBytes = 4 << 10
    /// A request's body: payload and chunk extensions (413). Does not bound responses.
    public var bodyBytes = 16 << 20
    /// Interim (1xx) responses before the final one (malformed).
    public var informationals = 8

    /// A request line: the target, and room for a method, two spaces and a version.
    var requestLineBytes: Int { targetBytes < .max - 48 ? targetBytes + 48 : .max }

    public init() {}
}
