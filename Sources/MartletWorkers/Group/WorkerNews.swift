import MartletBase
import MartletLogic
import MartletWire
import NIOCore

/// What a leg is told of its request.
struct WorkerNews: Sendable {
    enum Content: Sendable {
        /// A whole answer.
        case answer(status: Int, WorkerAnswer, ByteBuffer)
        /// A whole answer that lies in shared memory.
        case lying(status: Int, WorkerAnswer, LyingBody)
        /// The next chunks of one, each as the worker cut it: clients may read them one by one. `head` comes with the
        /// first.
        case chunks(head: WorkerAnswer?, [ByteBuffer], isLast: Bool)
        /// The worker told that it failed.
        case failed(WorkerComplaint)
        /// There will be no answer, or no more of it.
        case refused(MartletError, retryAfter: Duration? = nil)
    }

    let id: ItemID
    let asker: NIOLoopBound<WorkerLeg>
    var content: Content

    /// Tells the leg, on its loop, never within the caller's step.
    func deliver() {
        asker.eventLoop.execute {
            asker.value.take(content)
            asker.value.readComplete()
        }
    }

    /// Takes in what follows, if that is more of the same answer.
    mutating func absorb(_ next: WorkerNews) -> Bool {
        guard id == next.id, case .chunks(let head, var chunks, isLast: false) = content,
            case .chunks(head: nil, let more, let isLast) = next.content
        else { return false }
        // Without this the array below would have two owners, and be copied for each chunk.
        content = .chunks(head: nil, [], isLast: true)
        chunks += more
        content = .chunks(head: head, chunks, isLast: isLast)
        return true
    }
}

/// News for legs on several event loops, gathered while a worker's bytes are read: each loop is called once.
struct WorkerMail {
    private var boxes: [(loop: any EventLoop, news: [WorkerNews])] = []

    mutating func add(_ news: WorkerNews) {
        guard let place = boxes.firstIndex(where: { $0.loop === news.asker.eventLoop }) else {
            boxes.append((news.asker.eventLoop, [news]))
            return
        }
        let last = boxes[place].news.count - 1
        if last < 0 || !boxes[place].news[last].absorb(news) { boxes[place].news.append(news) }
    }

    mutating func send() {
        for (loop, news) in boxes {
            loop.execute {
                for one in news { one.asker.value.take(one.content) }
                for one in news { one.asker.value.readComplete() }
            }
        }
        boxes.removeAll(keepingCapacity: true)
    }
}
