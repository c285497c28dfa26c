/// A script that clients of Celery send, which runs natively here: known by the SHA-1 of its text. (Martlet's own are
/// `OwnScript`.)
///
/// A script that changed has another SHA-1, and is unknown until somebody read it.
public enum KnownScript: String, Sendable, CaseIterable {
    /// redis-py's lock: removes the key if it still holds the token.
    case lockRelease = "c3f8721cbb97f72bc19e972846bd7aaf91901658"
    /// redis-py's lock: adds to the time that is left, or replaces it.
    case lockExtend = "a4e8783852e6b949f9ef3a97212805108459a890"
    /// redis-py's lock: starts its time anew.
    case lockReacquire = "1cac51482acf5858da00f6d685d68f886cd6b6b2"
    /// kombu 5.7: a binding of a temporary queue, and the time until which its exchange is kept.
    case refreshBinding = "ef7a9e205fbaf46bf959e1522ff796622fc676c7"
    /// kombu 5.7: removes the bindings of exchanges whose time is over.
    case sweepBindings = "9a2b966a0a2d2d0e36ec32bc30fc89342b94a4bf"
    /// Celery 5.7: a result of a chord's header, and whether it was the last one.
    case chordPart = "b8fc152c83a7e634103ccebd49dcd3146a8f4366"
    /// Celery 5.7: whoever publishes a chord's body says that it is still at it.
    case chordExtend = "dc87180d6bcb7f73c7275eb0fe7a70baf0a8b7c7"
    /// Celery 5.7: the body was published.
    case chordCleanup = "59d7aab41242d82196947ba8926cab712416da4f"
    /// KEDA's Redis scaler: how many elements a list, hash or set has.
    case listLength = "249269d94f90c85be8630a56564ef51c1b3b851b"

    /// The script with that hexadecimal SHA-1, in whatever case it is written.
    public init?(sha1: Bytes) {
        self.init(rawValue: sha1.lowercased)
    }

    /// The script with that text.
    public init?(text: Bytes) {
        self.init(sha1: Self.sha1(of: text))
    }

    /// The hexadecimal SHA-1 of a script's text, in lower case: what `SCRIPT LOAD` answers.
    public static func sha1(of text: Bytes) -> Bytes { SHA1.hex(text.array) }

    /// How many keys and arguments it reads.
    var needs: (keys: Int, arguments: Int) {
        switch self {
        case .lockRelease: (1, 1)
        case .lockExtend: (1, 3)
        case .lockReacquire: (1, 2)
        case .refreshBinding: (2, 3)
        case .sweepBindings: (1, 3)
        case .chordPart: (6, 8)
        case .chordExtend: (2, 2)
        case .chordCleanup: (5, 2)
        case .listLength: (1, 0)
        }
    }
}
