import MartletExchange
import MartletNet
import MartletWire
import NIOCore

/// What one side of a connection has to send: gathered during a turn of the event loop, sent in one write at its end.
///
/// Without TLS the write goes straight to the socket, which as a rule takes all of it; what it does not take, and every
/// large slice, goes through the channel's queue, which then has to drain before the next direct write.
final class Outbox {
    /// Up to here a slice is copied beside what is gathered; a longer one is passed on as it is.
    private static let copyLimit = 4096

    private let loop: LoopContext
    private var bytes: ByteBuffer?
    /// Something was written past `bytes` and not flushed yet.
    private var isFlushOwed = false
    private var socket: DirectSocket?
    /// Writes that the channel has not finished.
    private var queuedWrites = 0
    /// A write failed: the connection did not end in good order, even if its end looks like one.
    private(set) var isBroken = false
    /// Bytes given to the socket or the channel so far.
    private(set) var writtenBytes = 0

    init(loop: LoopContext) {
        self.loop = loop
    }

    /// The connection is there; nothing was written to it yet.
    func opened(_ channel: any Channel, isTLS: Bool) {
        if !isTLS { socket = DirectSocket(channel) }
    }

    /// The buffer to write to; `put` it back.
    func take() -> ByteBuffer {
        bytes.take() ?? loop.buffers.take()
    }

    func put(_ gathered: ByteBuffer) {
        bytes = gathered
    }

    func write(_ text: StaticString) {
        var gathered = take()
        gathered.writeStaticString(text)
        bytes = gathered
    }

    func writeChunkHeader(_ length: Int) {
        var gathered = take()
        HTTP1Writer.chunkHeader(length, into: &gathered)
        bytes = gathered
    }

    /// Adds `slice`: a copy when it is small, or while there is no channel.
    func append(_ slice: ByteBuffer, to channel: ChannelHandlerContext?) {
        var gathered = take()
        guard let channel, slice.readableBytes > Self.copyLimit else {
            gathered.writeImmutableBuffer(slice)
            bytes = gathered
            return
        }
        writtenBytes += gathered.readableBytes + slice.readableBytes
        channel.write(NIOAny(gathered), promise: nil)
        channel.write(NIOAny(slice), promise: nil)
        isFlushOwed = true
    }

    func flush(to channel: ChannelHandlerContext) {
        guard bytes != nil || isFlushOwed else { return }
        var gathered = bytes.take() ?? ByteBuffer()
        writtenBytes += gathered.readableBytes
        if let socket, !isFlushOwed, queuedWrites == 0 {
            gathered.moveReaderIndex(forwardBy: socket.send(gathered))
        }
        if gathered.readableBytes > 0 || isFlushOwed { queue(gathered, at: channel) }
        loop.buffers.give(&gathered)
    }

    private func queue(_ gathered: ByteBuffer, at channel: ChannelHandlerContext) {
        isFlushOwed = false
        guard socket != nil else { return channel.writeAndFlush(NIOAny(gathered), promise: nil) }
        queuedWrites += 1
        channel.writeAndFlush(NIOAny(gathered)).assumeIsolated().whenComplete { result in
            self.queuedWrites -= 1
            if case .failure = result { self.isBroken = true }
        }
    }

    /// Sends the last bytes; the future completes when the kernel has them, as a rule at once.
    func flushLast(to channel: ChannelHandlerContext) -> EventLoopFuture<Void> {
        let gathered = bytes.take() ?? ByteBuffer()
        isFlushOwed = false
        writtenBytes += gathered.readableBytes
        return channel.writeAndFlush(NIOAny(gathered))
    }

    /// The connection is over.
    func clear() {
        socket = nil
        if var gathered = bytes.take() { loop.buffers.give(&gathered) }
    }
}
