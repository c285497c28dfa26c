import MartletBase
import MartletExchange
import MartletNet
import MartletWire
import NIOCore

// Writing the answer: what is gathered in a turn of the loop goes out in one flush.
extension HTTP1Front: Front {
    var isWritable: Bool { isPeerWritable }

    var clientAddress: String { peer.address }

    func respond(_ head: ResponseHead, size: BodySize, dropping dropped: [String], extra: HeaderLines) {
        // An early answer leaves the rest of the request unread: the connection ends with it.
        if !isRequestRead, hasBody { isKeepAlive = false }
        var bytes = takeOut()
        isKeepAlive = writer.head(
            head, size: size, dropping: dropped, extra: extra, requestID: requestID, isKeepAlive: isKeepAlive,
            into: &bytes)
        out = bytes
    }

    func informational(_ head: ResponseHead) {
        var bytes = takeOut()
        writer.informational(head, into: &bytes)
        out = bytes
    }

    func body(_ slice: ByteBuffer) {
        guard state == .busy, writer.hasBody, slice.readableBytes > 0 else { return }
        var bytes = takeOut()
        writer.chunkHeader(slice.readableBytes, into: &bytes)
        if slice.readableBytes <= ResponseWriter.copyLimit {
            bytes.writeImmutableBuffer(slice)
            writer.chunkEnd(into: &bytes)
            out = bytes
        } else {
            writtenBytes += bytes.readableBytes + slice.readableBytes
            channel?.write(wrapOutboundOut(bytes), promise: nil)
            channel?.write(wrapOutboundOut(slice), promise: nil)
            out = nil
            isFlushOwed = true
            if writer.isChunked {
                var rest = takeOut()
                writer.chunkEnd(into: &rest)
                out = rest
            }
        }
    }

    func end() {
        guard state == .busy, !isAnswered else { return }
        if writer.isChunked, writer.hasBody { write("0\r\n\r\n") }
        finish()
    }

    func abort() {
        guard state == .busy, let channel else { return }
        // Without framing only a reset tells the client that the answer is not whole.
        let mustReset = writer.isUntilClose
        let bytes = out ?? ByteBuffer()
        out = nil
        exchange = nil
        state = .lingering
        setDeadline(loop.now + settings.slowReader)
        let bound = NIOLoopBound(self, eventLoop: loop.loop)
        // As a rule complete at once, and the connection closed with it.
        writtenBytes += bytes.readableBytes
        channel.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in
            bound.value.close(reset: mustReset)
        }
    }

    func flush() {
        guard let channel else { return }
        if var bytes = out.take() {
            isFlushOwed = false
            writtenBytes += bytes.readableBytes
            channel.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
            loop.buffers.give(&bytes)
        } else if isFlushOwed {
            isFlushOwed = false
            channel.flush()
        }
        if !isPeerWritable { settleHeld() }
    }

    private func finish() {
        isAnswered = true
        exchange = nil
        if isKeepAlive {
            flush()
            if isRequestRead { nextRequest() }
            parse()
        } else {
            linger()
        }
    }

    /// Sends what is left, ends our side, and reads on for a while: closing with unread bytes would reset the
    /// connection, and the client would lose the answer.
    private func linger() {
        guard let channel else { return }
        let bytes = out ?? ByteBuffer()
        out = nil
        state = .lingering
        input = nil
        setReading(true)
        let isRead = isRequestRead
        let bound = NIOLoopBound(self, eventLoop: loop.loop)
        writtenBytes += bytes.readableBytes
        channel.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in
            guard let channel = bound.value.channel else { return }
            if isRead { bound.value.close() } else { channel.close(mode: .output, promise: nil) }
        }
        setDeadline(loop.now + (isRead ? settings.slowReader : .seconds(2)))
    }

    func write(_ bytes: StaticString) {
        var buffer = takeOut()
        buffer.writeStaticString(bytes)
        out = buffer
    }

    func takeOut() -> ByteBuffer {
        out.take() ?? loop.buffers.take()
    }
}
