/// Bytes that are not RESP, or more of them than allowed. Nothing behind them can be read: the connection ends.
///
/// It carries at most one byte of what was sent, so it may be logged as it is.
public struct RESPProtocolError: Error, Sendable, Equatable, CustomStringConvertible {
    /// In Redis' words where Redis has some, such as `invalid bulk length`.
    public var reason: String

    public init(_ reason: String) {
        self.reason = reason
    }

    /// What a server answers, behind `-ERR `, before it closes the connection.
    public var message: String { "Protocol error: " + reason }

    public var description: String { message }
}
