import MartletBase
import MartletLogic
import MartletWire
import NIOCore

/// What a leg is told of its request.
struct WorkerNews: Sendable {
    enum Content: Sendable {
        /// A whole answer.
        case answer(status: Int, WorkerAnswer, ByteBuffer)
        /// A piece of one, made of `chunks`; `head` comes with the first.
        case piece(head: WorkerAnswer?, ByteBuffer, chunks: Int, isLast: Bool)
        /// The worker told that it failed.
        case failed(WorkerComplaint)
        /// There will be no answer, or no more of it.
        case refused(MartletError)
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

    /// Two pieces of one answer that follow each other, as one; nil: they are something else.
    func joined(with next: WorkerNews) -> WorkerNews? {
        guard id == next.id, case .piece(let head, var bytes, let chunks, isLast: false) = content,
            case .piece(head: nil, let more, let moreChunks, let isLast) = next.content
        else { return nil }
        bytes.writeImmutableBuffer(more)
        var joined = self
        joined.content = .piece(head: head, bytes, chunks: chunks + moreChunks, isLast: isLast)
        return joined
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
        if let joined = boxes[place].news.last?.joined(with: news) {
            boxes[place].news[boxes[place].news.count - 1] = joined
        } else {
            boxes[place].news.append(news)
        }
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
