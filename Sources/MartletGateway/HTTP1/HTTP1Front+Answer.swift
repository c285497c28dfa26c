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
        var bytes = out.take()
        isKeepAlive = writer.head(
            head, size: size, dropping: dropped, extra: extra, requestID: requestID, isKeepAlive: isKeepAlive,
            into: &bytes)
        out.put(bytes)
    }

    func informational(_ head: ResponseHead) {
        var bytes = out.take()
        writer.informational(head, into: &bytes)
        out.put(bytes)
    }

    func body(_ slice: ByteBuffer) {
        guard state == .busy, writer.hasBody, slice.readableBytes > 0 else { return }
        if writer.isChunked { out.writeChunkHeader(slice.readableBytes) }
        out.append(slice, to: channel)
        if writer.isChunked { out.write("\r\n") }
    }

    func end() {
        guard state == .busy, !isAnswered else { return }
        if writer.isChunked, writer.hasBody { out.write("0\r\n\r\n") }
        finish()
    }

    func abort() {
        guard state == .busy, let channel else { return }
        // Without framing only a reset tells the client that the answer is not whole.
        let mustReset = writer.isUntilClose
        exchange = nil
        state = .lingering
        setDeadline(loop.now + settings.slowReader)
        let bound = NIOLoopBound(self, eventLoop: loop.loop)
        // As a rule complete at once, and the connection closed with it.
        out.flushLast(to: channel).whenComplete { _ in
            bound.value.close(reset: mustReset)
        }
    }

    func flush() {
        if let channel { out.flush(to: channel) }
        if !isPeerWritable { settleHeld() }
    }

    private func finish() {
        isAnswered = true
        exchange = nil
        if isKeepAlive {
            flush()
            if isRequestRead { nextRequest() }
            parse()
            // The next request may have been there already: no read of the client's follows that would send these.
            exchange?.requestReadComplete()
            flush()
        } else {
            linger()
        }
    }

    /// Sends what is left, ends our side, and reads on for a while: closing with unread bytes would reset the
    /// connection, and the client would lose the answer.
    func linger() {
        guard let channel else { return }
        let isRead = isRequestRead && !dropsBody && !isReadingOff && input == nil
        state = .lingering
        input = nil
        setReading(true)
        let bound = NIOLoopBound(self, eventLoop: loop.loop)
        out.flushLast(to: channel).whenComplete { _ in
            guard let channel = bound.value.channel else { return }
            if isRead { bound.value.close() } else { channel.close(mode: .output, promise: nil) }
        }
        setDeadline(loop.now + (isRead ? settings.slowReader : .seconds(2)))
    }
}
