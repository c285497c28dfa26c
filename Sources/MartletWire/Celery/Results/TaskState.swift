/// The state of a task as it is stored, in Celery's words. Apps may store words of their own, such as `PROGRESS`.
public struct TaskState: RawRepresentable, Sendable, Hashable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Nothing is stored: it waits, or it never was.
    public static let pending = TaskState(rawValue: "PENDING")
    /// Known from events alone.
    public static let received = TaskState(rawValue: "RECEIVED")
    public static let started = TaskState(rawValue: "STARTED")
    public static let retry = TaskState(rawValue: "RETRY")
    public static let success = TaskState(rawValue: "SUCCESS")
    public static let failure = TaskState(rawValue: "FAILURE")
    public static let revoked = TaskState(rawValue: "REVOKED")
    public static let rejected = TaskState(rawValue: "REJECTED")
    public static let ignored = TaskState(rawValue: "IGNORED")

    /// Nothing more will come.
    public var isReady: Bool { self == .success || self == .failure || self == .revoked }

    /// Its result is an exception.
    public var isException: Bool { self == .retry || propagates }

    /// What waits for it fails as well.
    public var propagates: Bool { self == .failure || self == .revoked }
}
