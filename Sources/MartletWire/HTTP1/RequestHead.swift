public import NIOCore

/// What a request asks for. Framing is not here: see ``RequestFraming``.
///
/// A class, because it passes through many hands: a copy of its parts would count four references each time.
public final class RequestHead: Sendable {
    public let method: Method
    /// The method's own bytes when `method` is `other`.
    public let methodBytes: ByteBuffer
    /// The target in origin form with its query, or `*`. The path is normalised: percent-encoded unreserved
    /// characters decoded, dot segments resolved, repeated slashes collapsed.
    public let target: ByteBuffer
    /// The path's length in bytes: the target up to `?`.
    public let pathLength: Int
    /// `host[:port]` in lower case; empty only for an HTTP/1.0 request without a Host field.
    public let authority: ByteBuffer
    /// All fields as they came, but for those that `Connection` nominated. Hop-by-hop and framing fields are still
    /// there: leave them out when sending (`FieldSet.hopByHop`, `.framing`).
    public let headers: HeaderBlock

    public init(
        method: Method, methodBytes: ByteBuffer = ByteBuffer(), target: ByteBuffer, authority: ByteBuffer,
        headers: HeaderBlock
    ) {
        self.method = method
        self.methodBytes = methodBytes
        self.target = target
        let bytes = target.readableBytesUInt8Span
        pathLength = Word.index(of: RequestTarget.question, in: bytes, from: 0, to: bytes.count) ?? bytes.count
        self.authority = authority
        self.headers = headers
    }

    init(
        method: Method, methodBytes: ByteBuffer, target: ByteBuffer, pathLength: Int, authority: ByteBuffer,
        headers: HeaderBlock
    ) {
        self.method = method
        self.methodBytes = methodBytes
        self.target = target
        self.pathLength = pathLength
        self.authority = authority
        self.headers = headers
    }

    /// The method as it is sent.
    public var methodText: String { method == .other ? String(buffer: methodBytes) : method.text }
    /// Whether the path ends with `suffix`.
    public func pathEnds(with suffix: String) -> Bool {
        let start = pathLength - suffix.utf8.count
        let target = target
        return start >= 0 && Characters.equals(target.readableBytesUInt8Span, start..<pathLength, suffix)
    }
    /// The path, for logs and slow paths.
    public var path: String { String(buffer: target.slice(0..<pathLength)) }
}

/// How long a request's body is, as its head says.
public enum BodyLength: Sendable, Equatable {
    case none
    /// Bytes, more than zero.
    case length(Int)
    case chunked
}

/// How a request is framed on its connection: matters to the front, never to the next hop.
public struct RequestFraming: Sendable, Equatable {
    /// `none` also when the body is dropped.
    public var body: BodyLength
    /// Whether the connection may carry another request.
    public var isKeepAlive: Bool
    public var isHTTP10: Bool
    /// The client waits for `100 Continue` before it sends its body.
    public var expectsContinue: Bool
    /// The client offered another protocol, which is never taken.
    public var wantsUpgrade: Bool
    /// A GET or HEAD with a body: the body is dropped and the connection closed after the answer.
    public var dropsBody: Bool

    public init(
        body: BodyLength = .none, isKeepAlive: Bool = true, isHTTP10: Bool = false, expectsContinue: Bool = false,
        wantsUpgrade: Bool = false, dropsBody: Bool = false
    ) {
        self.body = body
        self.isKeepAlive = isKeepAlive
        self.isHTTP10 = isHTTP10
        self.expectsContinue = expectsContinue
        self.wantsUpgrade = wantsUpgrade
        self.dropsBody = dropsBody
    }
}

/// What a ``RequestParser`` found.
public enum RequestPart: Sendable {
    case head(RequestHead, RequestFraming)
    /// A slice of the input; of a chunked body, payload only.
    case body(ByteBuffer)
    /// The request is complete. Trailers were checked and dropped.
    case end
}
