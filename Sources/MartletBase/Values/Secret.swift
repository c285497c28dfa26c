/// A value that must never reach a log, a status page or an error: it prints as `***`.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The value itself. Read it only where it is sent.
    public let exposed: String

    public init(_ value: String) {
        exposed = value
    }

    public var description: String { "***" }
    public var debugDescription: String { "***" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
