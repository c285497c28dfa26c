import MartletBase
package import MartletWire
package import NIOCore

/// A body that is sent while it is made.
package struct StreamedBody: Sendable {
    /// In bytes: neither more nor fewer are written.
    package var length: Int
    /// Hands over the pieces in their order; `send` returns when there is room for the next one.
    package var write: @Sendable (_ send: (ByteBuffer) async throws -> Void) async throws -> Void

    package init(
        length: Int, write: @escaping @Sendable (_ send: (ByteBuffer) async throws -> Void) async throws -> Void
    ) {
        (self.length, self.write) = (length, write)
    }

    package init(_ bytes: [UInt8]) {
        self.init(length: bytes.count) { send in try await send(ByteBuffer(bytes: bytes)) }
    }
}

/// A reply that is read while it comes: its sender waits for a reader that is slow.
package final class StreamedReply {
    package private(set) var status = 0
    package private(set) var headers = HeaderBlock()

    private var parser = ResponseParser(limits: HTTPLimits())
    private var input = ByteBuffer()
    private var pieces: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var isOver = false

    /// Reads the head.
    init(to method: MartletWire.Method, _ stream: NIOAsyncChannelInboundStream<ByteBuffer>) async throws {
        pieces = stream.makeAsyncIterator()
        parser.expect(method: method)
        while let part = try await part() {
            guard case .head(let head, _) = part else { continue }
            (status, headers) = (head.status, head.headers)
            return
        }
    }

    /// The next piece of the body; nil: that was its end.
    package func next() async throws -> ByteBuffer? {
        while !isOver, let part = try await part() {
            switch part {
            case .body(let piece): return piece
            case .end: isOver = true
            case .head, .informational: break
            }
        }
        return nil
    }

    /// The rest of the body.
    ///
    /// - Parameter bound: Bytes; what is beyond is left unread.
    package func rest(atMost bound: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < bound, let piece = try await next() {
            bytes += piece.readableBytesView.prefix(bound - bytes.count)
        }
        return bytes
    }

    private func part() async throws -> ResponsePart? {
        while true {
            if let part = try parser.next(&input) { return part }
            input.discardReadBytes()
            guard let piece = try await pieces.next(isolation: #isolation) else { return try parser.endOfInput() }
            input.writeImmutableBuffer(piece)
        }
    }
}
