/// A script that clients of Celery send, which runs natively here: known by the SHA-1 of its text.
public enum KnownScript: String, Sendable, CaseIterable {
    case lockRelease, lockExtend, lockReacquire
    case refreshBinding, sweepBindings
    case chordPart, chordExtend, chordCleanup
    case listLength

    /// The script with that hexadecimal SHA-1, in whatever case it is written.
    public init?(sha1: Bytes) {
        return nil
    }

    /// The script with that text.
    public init?(text: Bytes) {
        return nil
    }

    /// The hexadecimal SHA-1 of a script's text, in lower case: what `SCRIPT LOAD` answers.
    public static func sha1(of text: Bytes) -> Bytes { text }
}
