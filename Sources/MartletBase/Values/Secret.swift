/// A value that must never reach a log, a status page or an error: it prints as `***`.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The value itself. Read it only where it is sent.
    public let exposed: String

    public init(_ value: String) {
        exposed = value
    }

    /// Whether `given` is it. Takes as long wherever the first difference is.
    public func matches(_ given: String) -> Bool {
        let (given, wanted) = (given.utf8, exposed.utf8)
        guard given.count == wanted.count else { return false }
        return zip(given, wanted).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    public var description: String { "***" }
    public var debugDescription: String { "***" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
