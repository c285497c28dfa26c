import MartletExchange
import MartletNet
import NIOCore

/// What one side of a connection has to send: gathered during a turn of the event loop, sent in one flush at its end.
final class Outbox {
    /// Up to here a slice is copied beside what is gathered; a longer one is passed on as it is.
    private static let copyLimit = 4096

    private let loop: LoopContext
    private var bytes: ByteBuffer?
    /// Something was written past `bytes` and not flushed yet.
    private var isFlushOwed = false
    /// Bytes given to the channel so far.
    private(set) var writtenBytes = 0

    init(loop: LoopContext) {
        self.loop = loop
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

    /// Adds `slice` behind `gathered`, which was taken before, and puts that back. Without a channel, or when it is
    /// small, it is copied.
    func put(_ gathered: consuming ByteBuffer, with slice: ByteBuffer, to channel: ChannelHandlerContext?) {
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
        if var gathered = bytes.take() {
            isFlushOwed = false
            writtenBytes += gathered.readableBytes
            channel.writeAndFlush(NIOAny(gathered), promise: nil)
            loop.buffers.give(&gathered)
        } else if isFlushOwed {
            isFlushOwed = false
            channel.flush()
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
        if var gathered = bytes.take() { loop.buffers.give(&gathered) }
    }
}
