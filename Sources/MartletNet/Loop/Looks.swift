package import NIOCore
import Synchronization

extension EventLoop {
    /// An element after each look that found something to do; looks follow each other at `interval`, the first at once.
    /// Finds that nobody has taken yet are one. Ends with the task that reads it.
    ///
    /// For what must be seen soon and is seldom there. A task that slept in between would wake several threads for each
    /// look, and a server that nobody asks does nothing but look. Looks of one loop whose intervals are multiples of
    /// each other fall together, and wake it once. `look` must be quick and wait for nothing.
    package func finds(every interval: Duration, _ look: @escaping @Sendable () -> Bool) -> AsyncStream<Void> {
        let (finds, sink) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let looks = Looks(on: self, every: TimeAmount(interval)) {
            if look() { sink.yield() }
        }
        sink.onTermination = { _ in looks.end() }
        execute { looks.take() }
        return finds
    }
}

/// Looks at the multiples of an interval.
private final class Looks: Sendable {
    private let loop: any EventLoop
    private let interval: UInt64
    private let look: @Sendable () -> Void
    private let isOver = Atomic(false)

    init(on loop: any EventLoop, every interval: TimeAmount, _ look: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.interval = UInt64(max(1, interval.nanoseconds))
        self.look = look
    }

    func end() { isOver.store(true, ordering: .relaxed) }

    func take() {
        guard !isOver.load(ordering: .relaxed) else { return }
        look()
        let next = (NIODeadline.now().uptimeNanoseconds / interval + 1) * interval
        loop.scheduleTask(deadline: .uptimeNanoseconds(next)) { self.take() }
    }
}
