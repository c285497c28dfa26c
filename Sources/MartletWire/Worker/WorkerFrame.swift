public import NIOCore

/// What a frame of the worker protocol says (`docs/worker-protocol.md`).
public enum WorkerFrameType: UInt8, Sendable {
    // From Martlet
    case hello = 1
    case exec, cancel, credit, body, ping, drain, release
    // From the worker
    case ready = 65
    case progress, result, chunk, error, pong, cancelled, log, metric, limit, released

    public var isFromWorker: Bool { rawValue >= WorkerFrameType.ready.rawValue }

    /// It carries items; the others carry one JSON object, or nothing.
    public var isData: Bool {
        switch self {
        case .exec, .credit, .body, .release, .result, .chunk, .error, .cancelled, .released: true
        default: false
        }
    }
}

/// The sizes of the worker protocol, all in bytes.
public enum WorkerProtocol {
    /// Of the protocol, as `HELLO` and `READY` state it.
    public static let version = 1
    public static let frameHeaderBytes = 16
    public static let itemHeaderBytes = 20
    /// The payload of one frame. Whoever reads a longer one ends the connection.
    public static let payloadBytes = 1 << 20
    /// The bodies of one frame together, so that a `CANCEL` never waits long behind one.
    public static let bodyBytes = 64 << 10
    /// The meta of one request: what is left of a payload beside its bodies, and room to spare.
    public static let metaBytes = 512 << 10
}

/// What a data frame says about one request.
public struct WorkerItem: Sendable, Equatable {
    public struct Flags: OptionSet, Sendable {
        public let rawValue: UInt16

        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// The last chunk of an answer.
        public static let last = Flags(rawValue: 1)
        /// The body goes on in a `BODY` frame.
        public static let more = Flags(rawValue: 2)
        /// The body lies in shared memory.
        public static let sharedMemory = Flags(rawValue: 4)
    }

    /// The request.
    public var id: UInt64
    /// The HTTP status; in a chunk its number modulo 65536; in `CREDIT` the number of chunks.
    public var status: UInt16
    public var flags: Flags
    /// A JSON object; no bytes stand for an empty one.
    public var meta: ByteBuffer
    public var body: ByteBuffer
    /// Where the body lies, with the flag `SHM`; what of it is free again, in `RELEASE`.
    public var shared: WorkerSharedBody?

    public init(
        id: UInt64, status: UInt16 = 0, flags: Flags = [], meta: ByteBuffer = ByteBuffer(),
        body: ByteBuffer = ByteBuffer(), shared: WorkerSharedBody? = nil
    ) {
        self.id = id
        self.status = status
        self.flags = flags
        self.meta = meta
        self.body = body
        self.shared = shared
    }
}
