import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// One worker of a group as long as its process lives: what it sends becomes news for the legs.
final class WorkerSeat: Sendable {
    let number: WorkerNumber
    let link: WorkerLink
    private let group: WorkerGroup
    /// Ends the process.
    let kill: @Sendable () -> Void
    /// Filled and sent on the link's loop alone.
    private let mail = Mutex(WorkerMail())
    private let unsent = Mutex(Unsent())
    private let arena: WorkerArena?
    /// The worker takes bodies that lie in the arena.
    private let readsArena = Atomic<Bool>(false)

    private struct Unsent {
        /// In their order; the first is copied, on the link's loop.
        var loading: [LoadingBatch] = []
        /// Requests whose bodies are longer than a frame, and have not been sent whole.
        var pieces: [WorkerRequest] = []
    }

    /// Copied at one time, in bytes. Memory that was not used before costs three milliseconds for each MiB.
    private static let copiedAtOnce = 1 << 20

    init(
        _ number: WorkerNumber, of group: WorkerGroup, link: WorkerLink, sharing arena: WorkerArena? = nil,
        kill: @escaping @Sendable () -> Void
    ) {
        self.arena = arena
        self.number = number
        self.group = group
        self.link = link
        self.kill = kill
    }

    /// Bytes of bodies that lie in the arena, to the worker and from it.
    var lying: (requests: Int, answers: Int) { (arena?.requestsBytes ?? 0, arena?.answersBytes ?? 0) }

    /// From now on bodies may lie in the arena.
    func sharesMemory() { readsArena.store(true, ordering: .relaxed) }

    /// Sends one batch. Bodies longer than a frame lie in the arena, where they are copied by and by, or, where that is
    /// full, follow piece by piece, as the worker takes them.
    func send(_ batch: UInt64, _ requests: [WorkerRequest], now: Instant) {
        if arena != nil, readsArena.load(ordering: .relaxed), let batch = LoadingBatch(batch, requests) {
            let isFirst = unsent.withLock { unsent in
                unsent.loading.append(batch)
                return unsent.loading.count == 1
            }
            if isFirst { link.inTurn { self.load() } }
            return
        }
        var requests = requests
        link.send { WorkerFrameWriter.exec(batch: batch, &requests, now: now, into: &$0) }
        let rest = requests.filter { !$0.isSent }
        guard !rest.isEmpty else { return }
        unsent.withLock { $0.pieces += rest }
        pump()
    }

    /// Nobody wants these any more.
    func cancel(_ ids: [ItemID], _ reason: StaticString) {
        unsent.withLock { unsent in
            guard let index = unsent.loading.firstIndex(where: { batch in ids.contains(where: batch.has) }) else {
                return link.send { WorkerFrameWriter.cancel(ids.map(\.rawValue), reason: reason, into: &$0) }
            }
            unsent.loading[index].cancel(ids, reason)
        }
    }

    /// The request is over: the worker gets no more of its body.
    func forget(_ id: ItemID) {
        unsent.withLock { unsent in
            unsent.pieces.removeAll { $0.id == id.rawValue }
            for index in unsent.loading.indices where unsent.loading[index].has(id) { unsent.loading[index].forget(id) }
        }
    }

    /// Sends pieces of bodies until the link is full; ``WorkerLink/isWritable`` says when to go on.
    func pump() {
        unsent.withLock { unsent in
            while !unsent.pieces.isEmpty, link.isWritable {
                // A link that has ended takes everything and keeps nothing.
                var isMore = false
                link.send { isMore = WorkerFrameWriter.body(of: &unsent.pieces[0], into: &$0) }
                if !isMore { unsent.pieces.removeFirst() }
            }
        }
    }

    // MARK: On the link's loop

    /// Copies some of the bodies of the first batch that waits for it, or sends that batch; then lets others have their
    /// turn.
    private func load() {
        guard let arena else { return }
        let next = unsent.withLock { $0.loading.isEmpty ? nil : $0.loading[0].next(Self.copiedAtOnce, in: arena) }
        if let piece = next {
            let isThere = arena.write(piece.bytes, of: piece.place, from: piece.start)
            unsent.withLock { unsent in
                if isThere { unsent.loading[0].advance(piece, in: arena) } else { unsent.loading[0].abandon(in: arena) }
            }
        } else {
            unsent.withLock { sendLoaded(&$0) }
            pump()
        }
        if unsent.withLock({ !$0.loading.isEmpty }) { link.inTurn { self.load() } }
    }

    /// Under the lock: what is said of the batch from now on must not overtake it.
    private func sendLoaded(_ unsent: inout Unsent) {
        guard !unsent.loading.isEmpty else { return }
        let batch = unsent.loading.removeFirst()
        var requests = batch.requests
        link.send { buffer in
            WorkerFrameWriter.exec(batch: batch.number, &requests, now: .current, into: &buffer)
            for (ids, reason) in batch.cancelled {
                WorkerFrameWriter.cancel(ids.map(\.rawValue), reason: reason, into: &buffer)
            }
        }
        unsent.pieces += requests.filter { !$0.isSent && !batch.isForgotten($0) }
    }

    func take(_ type: WorkerFrameType, _ item: WorkerItem) {
        guard type != .released else {
            if let body = item.shared { arena?.released(body) }
            return
        }
        // Even of an answer that nobody wants, the place is given back.
        let body = item.shared.flatMap { place in arena.map { LyingBody(place, in: $0, link: link) } }
        guard let news = group.take(type, item, lying: body, from: number) else { return }
        mail.withLock { $0.add(news) }
    }

    func readComplete() {
        mail.withLock { $0.send() }
    }
}
