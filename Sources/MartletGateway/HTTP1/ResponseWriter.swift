import MartletBase
import MartletExchange
import MartletWire
import NIOCore

/// The framing of one answer on an HTTP/1 connection: ours, whatever the upstream's was.
struct ResponseWriter {
    private enum Framing {
        case none, length, chunked, untilClose
    }

    private var framing = Framing.none
    private var isHead = false
    private var isHTTP10 = false

    mutating func begin(method: MartletWire.Method, isHTTP10: Bool) {
        isHead = method == .head
        self.isHTTP10 = isHTTP10
        framing = .none
    }

    /// The answer carries a body as far as the client is concerned.
    var hasBody: Bool { framing != .none }
    var isChunked: Bool { framing == .chunked }
    var isUntilClose: Bool { framing == .untilClose }

    /// Writes the head; answers whether the connection can be kept afterwards.
    mutating func head(
        _ head: ResponseHead, size: BodySize, dropping dropped: [String], extra: HeaderLines, requestID: String,
        isKeepAlive: Bool, into bytes: inout ByteBuffer
    ) -> Bool {
        HTTP1Writer.statusLine(head.status, into: &bytes)
        head.headers.write(into: &bytes, except: Self.notForwarded, exceptNamed: dropped)
        if extra.bytes.readableBytes > 0 { bytes.writeImmutableBuffer(extra.bytes) }
        if !requestID.isEmpty {
            bytes.writeStaticString("X-Request-Id: ")
            bytes.writeString(requestID)
            bytes.writeStaticString("\r\n")
        }
        var isKept = isKeepAlive
        framing = frame(size, status: head.status)
        switch framing {
        case .length:
            if case .exactly(let length) = size { HTTP1Writer.contentLength(length, into: &bytes) }
            if case .none = size { HTTP1Writer.contentLength(0, into: &bytes) }
        case .chunked: bytes.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .untilClose: isKept = false
        case .none: writeLengthWithoutBody(size, status: head.status, into: &bytes)
        }
        if !isKept {
            bytes.writeStaticString("Connection: close\r\n")
        } else if isHTTP10 {
            bytes.writeStaticString("Connection: keep-alive\r\n")
        }
        bytes.writeStaticString("\r\n")
        return isKept
    }

    func informational(_ head: ResponseHead, into bytes: inout ByteBuffer) {
        guard !isHTTP10 else { return }
        HTTP1Writer.statusLine(head.status, into: &bytes)
        head.headers.write(into: &bytes, except: Self.notForwarded)
        bytes.writeStaticString("\r\n")
    }

    /// Framing and what concerns only the upstream's connection; the request id is ours.
    private static let notForwarded: FieldSet = FieldSet.hopByHop.union(FieldSet(.contentLength, .xRequestID))

    private func frame(_ size: BodySize, status: Int) -> Framing {
        if isHead || status == 204 || status == 304 { return .none }
        switch size {
        case .none: return .length
        case .exactly: return .length
        case .unknown: return isHTTP10 ? .untilClose : .chunked
        }
    }

    /// HEAD and 304 may say how long the body would have been; an empty answer says 0.
    private func writeLengthWithoutBody(_ size: BodySize, status: Int, into bytes: inout ByteBuffer) {
        guard status != 204 else { return }
        if case .exactly(let length) = size { HTTP1Writer.contentLength(length, into: &bytes) }
    }
}
