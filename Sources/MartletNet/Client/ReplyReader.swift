import MartletBase
package import MartletWire
package import NIOCore

/// Makes one whole reply of the bytes that come, however they are cut. No I/O.
package struct ReplyReader {
    private let maxBody: Int
    private var parser = ResponseParser(limits: HTTPLimits())
    private var input = ByteBuffer()
    private var reply: HTTPReply?

    /// Whether the head of the reply has come.
    package var hasHead: Bool { reply != nil }

    /// - Parameters:
    ///   - method: what was asked: the reply to HEAD has no body.
    ///   - maxBody: in bytes; a longer reply is refused.
    package init(to method: MartletWire.Method, maxBody: Int) {
        self.maxBody = maxBody
        parser.expect(method: method)
    }

    /// Takes the next bytes; the reply, once it is whole. Not to be called after that, or after a failure.
    package mutating func read(_ bytes: ByteBuffer) throws(WireError) -> HTTPReply? {
        input.writeImmutableBuffer(bytes)
        while let part = try parser.next(&input) {
            if let whole = try take(part) { return whole }
        }
        input.discardReadBytes()
        return nil
    }

    /// The connection has ended: the reply, if that was its end.
    package mutating func end() throws(WireError) -> HTTPReply? {
        guard let part = try parser.endOfInput() else { return nil }
        return try take(part)
    }

    private mutating func take(_ part: ResponsePart) throws(WireError) -> HTTPReply? {
        switch part {
        case .informational:
            break
        case .head(let head, _):
            reply = HTTPReply(status: head.status, headers: head.headers)
        case .body(let slice):
            guard slice.readableBytes <= maxBody - (reply?.body.count ?? 0) else {
                throw WireError(.upstreamMalformed, "the reply is longer than it may be")
            }
            reply?.body.append(contentsOf: slice.readableBytesView)
        case .end:
            return reply
        }
        return nil
    }
}
