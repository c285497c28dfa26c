import Glibc
package import MartletNet
import MartletWire
package import NIOCore
import Synchronization

/// The line to one worker: frames in, frames out. It decides nothing.
///
/// What is sent from whichever thread is gathered and written once for each turn of the link's event loop. What the
/// worker sends goes to the delegate on that loop.
package final class WorkerLink: Sendable {
    /// From so many bytes on that wait for the worker, others are to be held back…
    private static let highWaterBytes = 256 << 10
    /// …until they are fewer than these.
    private static let lowWaterBytes = 64 << 10
    /// With so many the link ends: a worker that reads what it is sent never has them.
    private static let mostWaitingBytes = 64 << 20

    private struct Outbox {
        /// Until the link has ended.
        var delegate: (any WorkerLinkDelegate)?
        /// From when the socket can be written until the link has ended.
        var channel: (any Channel)?
        /// Not given to the channel yet.
        var gathered = ByteBuffer()
        /// Not taken by the kernel yet, those of `gathered` among them.
        var waitingBytes = 0
        var isFull = false
        var isFlushScheduled = false
        var isClosing = false
    }

    private let loop: any EventLoop
    private let outbox: Mutex<Outbox>

    /// Opens the link on our end of `socket`. Should that fail, the delegate hears of its end.
    package init(
        _ socket: ChildSocket, on loop: any EventLoop, sharing arena: WorkerArena? = nil,
        delegate: any WorkerLinkDelegate
    ) {
        self.loop = loop
        outbox = Mutex(Outbox(delegate: delegate))
        socket.channel(on: loop) { [self] channel in
            try channel.pipeline.syncOperations.addHandler(WorkerLinkHandler(self, delegate, arena?.workersPart))
        }.whenFailure { [self] error in
            ended(.broken("\(error)"))
        }
    }

    /// False while many bytes wait for a worker that does not read them; ``WorkerLinkDelegate/linkWritable()`` follows.
    package var isWritable: Bool { outbox.withLock { !$0.isFull } }

    /// How many bytes the worker has not taken yet.
    package var waitingBytes: Int { outbox.withLock { $0.waitingBytes } }

    /// Sends the whole frames that `write` puts at the end of the buffer. Keep it short: it runs under the link's lock.
    /// After the end of the link, it does not run.
    package func send(_ write: (inout ByteBuffer) -> Void) {
        let mustSchedule = outbox.withLock { box in
            guard box.delegate != nil, !box.isClosing, box.waitingBytes < Self.mostWaitingBytes else { return false }
            let before = box.gathered.readableBytes
            write(&box.gathered)
            box.waitingBytes += box.gathered.readableBytes - before
            if box.waitingBytes >= Self.highWaterBytes { box.isFull = true }
            guard box.channel != nil, !box.isFlushScheduled else { return false }
            box.isFlushScheduled = true
            return true
        }
        if mustSchedule { loop.execute { self.flush() } }
    }

    /// Does something in a turn of its own of the link's event loop.
    func inTurn(_ work: @escaping @Sendable () -> Void) { loop.execute(work) }

    /// Ends the link. What was not written yet is lost.
    package func close() {
        loop.execute { [self] in
            let channel = outbox.withLock { box in
                box.isClosing = true
                return box.channel
            }
            channel?.close(promise: nil)
        }
    }

    // MARK: On the loop

    fileprivate func opened(_ channel: any Channel) {
        let isClosing = outbox.withLock { box in
            box.channel = channel
            return box.isClosing
        }
        if isClosing { channel.close(promise: nil) } else { flush() }
    }

    private func flush() {
        let (channel, bytes, waiting) = outbox.withLock { box -> ((any Channel)?, ByteBuffer, Int) in
            box.isFlushScheduled = false
            let bytes = box.gathered
            box.gathered = ByteBuffer()
            return (box.channel, bytes, box.waitingBytes)
        }
        guard let channel, bytes.readableBytes > 0 else { return }
        if waiting >= Self.mostWaitingBytes { return channel.pipeline.fireErrorCaught(WorkerReadsNothing()) }
        let count = bytes.readableBytes
        channel.writeAndFlush(bytes).whenSuccess { [self] in written(count) }
    }

    private func written(_ count: Int) {
        let relieved = outbox.withLock { box -> (any WorkerLinkDelegate)? in
            box.waitingBytes -= count
            guard box.isFull, box.waitingBytes < Self.lowWaterBytes else { return nil }
            box.isFull = false
            return box.delegate
        }
        relieved?.linkWritable()
    }

    fileprivate func ended(_ end: WorkerLinkEnd) {
        let (delegate, isClosing) = outbox.withLock { box -> ((any WorkerLinkDelegate)?, Bool) in
            let last = box
            box = Outbox()
            return (last.delegate, last.isClosing)
        }
        delegate?.linkEnded(isClosing ? .closed : end)
    }
}

private struct WorkerReadsNothing: Error, CustomStringConvertible {
    let description = "it does not read what it is sent"
}

/// Between the channel of a link and its delegate.
private final class WorkerLinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let link: WorkerLink
    /// Until the link has ended.
    private var delegate: (any WorkerLinkDelegate)?
    private var parser: WorkerFrameParser
    /// Read, but not a whole item yet.
    private var input = ByteBuffer()
    private var end = WorkerLinkEnd.endOfFile

    init(_ link: WorkerLink, _ delegate: any WorkerLinkDelegate, _ shared: Range<Int>?) {
        parser = WorkerFrameParser(shared: shared)
        self.link = link
        self.delegate = delegate
    }

    func channelActive(context: ChannelHandlerContext) {
        link.opened(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.discardReadBytes()
            input.writeBuffer(&bytes)
        }
        do throws(WireError) {
            while let part = try parser.next(&input) {
                switch part {
                case .control(let type, let id, let payload): delegate?.linkReceived(type, id: id, payload: payload)
                case .item(let type, let item): delegate?.linkReceived(type, item)
                }
            }
            // Nothing is left to pin what the slices lie in.
            if input.readableBytes == 0 { input = ByteBuffer() }
        } catch {
            fail(.garbage(error), context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        delegate?.linkReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // So the kernel puts it when a process ends that left bytes unread.
        let isEnd = [ECONNRESET, EPIPE].contains((error as? IOError)?.errnoCode)
        fail(isEnd ? .endOfFile : .broken("\(error)"), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // What came before the end, in the same read as it perhaps, is true all the same.
        delegate?.linkReadComplete()
        delegate = nil
        link.ended(end)
    }

    /// The first reason counts.
    private func fail(_ reason: WorkerLinkEnd, _ context: ChannelHandlerContext) {
        if end == .endOfFile { end = reason }
        input = ByteBuffer()
        context.close(promise: nil)
    }
}
