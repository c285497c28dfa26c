public import NIOCore

/// What a response says before its body. Framing is not here: see ``ResponseFraming``.
public struct ResponseHead: Sendable {
    /// 100 to 599.
    public var status: Int
    /// The reason phrase as it came; may be empty.
    public var reason: ByteBuffer
    /// All fields as they came, but for those that `Connection` nominated. Hop-by-hop and framing fields are still
    /// there: leave them out when sending (`FieldSet.hopByHop`, `.framing`).
    public var headers: HeaderBlock

    public init(status: Int, reason: ByteBuffer = ByteBuffer(), headers: HeaderBlock) {
        self.status = status
        self.reason = reason
        self.headers = headers
    }
}

/// How a response is framed on its connection.
public struct ResponseFraming: Sendable, Equatable {
    public enum Body: Sendable, Equatable {
        case none
        /// Bytes, more than zero.
        case length(Int)
        case chunked
        /// The end of the connection is the end of the body.
        case untilClose
    }

    public var body: Body
    /// What Content-Length says, also where no body follows (HEAD, 304).
    public var contentLength: Int?
    /// Whether the connection may carry another request.
    public var isKeepAlive: Bool
    /// `Keep-Alive: timeout=N`, in seconds: the connection must not be used for longer than that.
    public var keepAliveTimeout: Int?

    public init(body: Body, contentLength: Int? = nil, isKeepAlive: Bool, keepAliveTimeout: Int? = nil) {
        self.body = body
        self.contentLength = contentLength
        self.isKeepAlive = isKeepAlive
        self.keepAliveTimeout = keepAliveTimeout
    }
}

/// What a ``ResponseParser`` found.
public enum ResponsePart: Sendable {
    /// An interim (1xx) response; the final one follows.
    case informational(ResponseHead)
    case head(ResponseHead, ResponseFraming)
    /// A slice of the input; of a chunked body, payload only.
    case body(ByteBuffer)
    /// The response is complete. Trailers were checked and dropped.
    case end
}
