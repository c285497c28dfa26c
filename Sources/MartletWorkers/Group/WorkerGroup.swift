package import MartletBase
package import MartletExchange
package import MartletLogic
import MartletNet
package import MartletWire
package import NIOCore
import Synchronization

/// Workers that run the same code, and the requests that they compute: a target that opens its legs itself.
///
/// The driver around ``BatchMachine``: one lock, taken when a request comes and for each item that a worker sends. A
/// request's payload stays here until the request is over, for it may be tried with another worker.
package final class WorkerGroup: LegMaker {
    /// A request that a worker has, or is to get.
    struct Entry {
        /// Who asked; nil when nobody wants the answer any more.
        var asker: NIOLoopBound<WorkerLeg>?
        /// To be sent, perhaps once more; nil when nobody wants the answer any more.
        var request: WorkerRequest?
        /// The error of the batch that it was in.
        var complaint: WorkerComplaint?
        /// Why nobody wants the answer any more.
        var calledOff = CancelReason.clientGone
        var priority = PriorityClass.interactive
    }

    struct State {
        var machine: BatchMachine
        var entries: [ItemID: Entry] = [:]
        var seats: [WorkerNumber: WorkerSeat] = [:]
        /// What the workers that are loaded say that they run.
        var versions: [WorkerNumber: String] = [:]
        /// Of those, the workers that soon could not answer. They do not keep another version away.
        var spent: Set<WorkerNumber> = []
        var lastItem: UInt64 = 0
        /// Calls the machine at the time it asked for.
        var alarm: Scheduled<Void>?
        /// Requests in earlier stages, which will come here.
        var onTheirWay = 0
        /// Nobody is to come where no worker is: who arrives is turned away.
        var isGivenUp = false
    }

    package let api: WorkerAPI
    /// The next stage of the pipeline: gets its answers as bodies.
    package let next: WorkerGroup?
    /// How long a request may take from when the group has it until its answer begins.
    package let answerWithin: Duration
    /// What a request weighs in its batch; nil: nobody asks.
    private let weighing: BodyWeight?
    /// What its workers report of themselves.
    package let figures = AppFigures()
    /// Keeps the machine's time.
    private let clock: any EventLoop
    let state: Mutex<State>

    /// - Parameter weighing: What the weights of requests are, where the policy bounds them.
    package init(
        _ api: WorkerAPI, policy: BatchPolicy, weighing: BodyWeight? = nil, answerWithin: Duration,
        clock: any EventLoop, next: WorkerGroup? = nil
    ) {
        self.api = api
        self.next = next
        self.answerWithin = answerWithin
        self.weighing = policy.maxWeight == nil ? nil : weighing
        self.clock = clock
        state = Mutex(State(machine: BatchMachine(policy: policy)))
    }

    /// On the exchange's loop.
    package func leg(for exchange: Exchange) -> any Leg { WorkerLeg(exchange, of: self) }

    // MARK: From legs

    /// A request is to be computed; its leg hears how it ended, never within this call.
    func submit(
        _ asker: NIOLoopBound<WorkerLeg>, meta: ByteBuffer, body: ByteBuffer, priority: PriorityClass,
        deadline: Instant, now: Instant
    ) throws(WireError) -> ItemID {
        // Not under the lock: the body has to be read for it.
        let weight = weighing?.weight(of: body) ?? 1
        return try change(now: now) { (state) throws(WireError) in
            state.lastItem += 1
            let id = ItemID(state.lastItem)
            let bytes = body.readableBytes
            let request = try WorkerRequest(id: id.rawValue, meta: meta, body: body, deadline: deadline)
            state.entries[id] = Entry(asker: asker, request: request, priority: priority)
            let item = BatchItem(id: id, bytes: bytes, weight: weight, priority: priority, deadline: deadline)
            let actions = state.machine.arrived(item, now: now)
            return (id, actions + state.turnAway())
        }
    }

    /// Nobody wants the answer any more: the leg hears no more of it, and what is left of the body goes nowhere.
    func cancel(_ id: ItemID, _ reason: CancelReason, now: Instant) {
        change(now: now) { state in
            state.callOff(id, reason)
            return ((), state.machine.cancel(id, now: now))
        }
    }

    /// The leg takes so much more of the answer.
    func grant(_ id: ItemID, chunks: UInt16, bytes: UInt32) {
        let seat = state.withLock { state in
            state.machine.holder(of: id).flatMap { state.seats[$0] }
        }
        seat?.link.send { WorkerFrameWriter.credit(id.rawValue, chunks: chunks, bytes: bytes, into: &$0) }
    }

    // MARK: Workers

    /// How many requests the group can hold to advantage: those that its workers compute and those that the next
    /// batches are made of.
    package var room: Int { state.withLock { $0.machine.room } }

    /// A worker can serve.
    func ready(_ seat: WorkerSeat, _ capacity: WorkerCapacity) {
        let now = Instant.current
        change(now: now) { state in
            state.seats[seat.number] = seat
            return ((), state.machine.ready(seat.number, capacity, now: now))
        }
    }

    func limited(_ number: WorkerNumber, maxBatch: Int) {
        let now = Instant.current
        change(now: now) { ((), $0.machine.limited(number, maxBatch: maxBatch, now: now)) }
    }

    /// No new requests for the worker. False, and nothing done: it is the last one, and requests wait for it, or are on
    /// their way to it.
    func drain(_ number: WorkerNumber) -> Bool {
        state.withLock { state in
            let isLast = state.machine.workersInService == 1 && state.machine.isInService(number)
            guard !isLast || state.machine.waiting + state.onTheirWay == 0 else { return false }
            state.machine.drain(number)
            return true
        }
    }

    /// Soon the worker could not answer: it gets no new requests, although those who come may have to wait for another
    /// one. Said again, that changes nothing: one that serves on because nobody can take its place goes on to.
    func isSpent(_ number: WorkerNumber) {
        state.withLock { state in
            if state.spent.insert(number).inserted { state.machine.drain(number) }
        }
    }

    /// Requests that the worker has ended; nil: it does not serve.
    func ended(by number: WorkerNumber) -> Int? { state.withLock { $0.machine.ended(by: number) } }

    /// What decides about the number of its workers, but for what waits in its pool.
    package func load(isStarting: Bool) -> GroupScaler.Load {
        state.withLock { state in
            let machine = state.machine
            return GroupScaler.Load(
                waiting: machine.waiting, served: machine.ended, idle: machine.idleWorkers, isStarting: isStarting)
        }
    }

    /// Those that wait, and those that workers have.
    var requests: (waiting: Int, inHand: Int) { state.withLock { ($0.machine.waiting, $0.machine.inHand) } }

    /// What calling requests off saved.
    package var compute: ComputeLedger { state.withLock { $0.machine.compute } }

    /// Bytes of bodies that lie in memory shared with its workers.
    package var lying: GroupReading.Lying {
        let seats = state.withLock { Array($0.seats.values) }.map(\.lying)
        return .init(
            requests: seats.reduce(0) { $0 + $1.requests }, answers: seats.reduce(0) { $0 + $1.answers })
    }

    /// Whether a worker serves that has this number.
    package func has(_ number: Int) -> Bool { state.withLock { $0.seats[WorkerNumber(number)] != nil } }

    /// All workers run the same code: whether one that is loaded does. False: another one of the group says `version`,
    /// and can serve on. Then those that are spent serve on as well: whoever comes for them is no other than this one.
    func admits(_ number: WorkerNumber, _ version: String) -> Bool {
        let now = Instant.current
        return change(now: now) { state in
            let others = state.versions.filter { $0.key != number && !state.spent.contains($0.key) }
            guard others.values.allSatisfy({ $0 == version }) else {
                return (false, state.spent.flatMap { state.machine.resume($0, now: now) })
            }
            state.versions[number] = version
            return (true, [])
        }
    }

    /// Whether the worker has nothing to do.
    package func isIdle(_ number: WorkerNumber) -> Bool {
        state.withLock { $0.machine.isIdle(number) }
    }

    /// A worker is gone; those who waited for it are tried elsewhere, or told. Another one may have its number by now.
    func gone(_ seat: WorkerSeat) {
        let now = Instant.current
        change(now: now) { state in
            guard state.seats[seat.number] === seat else { return ((), []) }
            state.seats[seat.number] = nil
            return ((), state.machine.gone(seat.number, now: now) + state.turnAway())
        }
    }

    /// Its process is gone.
    func forgetVersion(of number: WorkerNumber) {
        state.withLock { state in
            state.versions[number] = nil
            state.spent.remove(number)
        }
    }

    /// Whether the worker may be silent: it computes, and not longer than it may.
    func isExcused(_ number: WorkerNumber) -> Bool {
        state.withLock { $0.machine.isExcused(number, now: .current) }
    }

    // MARK: Carrying out

    /// Changes the state, carries out what the machine decided, and tells the legs when the lock is free again.
    @discardableResult
    func change<Result: Sendable, Failure: Error>(
        now: Instant, _ body: (inout State) throws(Failure) -> (Result, [BatchAction])
    ) throws(Failure) -> Result {
        let (result, news) = try state.withLock { (state) throws(Failure) -> (Result, [WorkerNews]) in
            let (result, actions) = try body(&state)
            return (result, carryOut(actions, &state, now: now))
        }
        for one in news { one.deliver() }
        return result
    }

    /// Under the lock, so that what a worker is sent comes in the machine's order.
    func carryOut(_ actions: [BatchAction], _ state: inout State, now: Instant) -> [WorkerNews] {
        var news: [WorkerNews] = []
        for action in actions {
            switch action {
            case .send(let worker, let batch, let ids):
                state.seats[worker]?.send(batch, ids.compactMap { state.entries[$0]?.request }, now: now)
            case .cancel(let worker, let ids):
                let reason = ids.first.flatMap { state.entries[$0]?.calledOff.word } ?? "admin"
                state.seats[worker]?.cancel(ids, reason)
            case .forget(let id):
                state.entries[id] = nil
            case .fail(let id, let failure):
                guard let entry = state.entries.removeValue(forKey: id), let asker = entry.asker else { continue }
                let relief = failure == .hopeless ? state.machine.relief(for: entry.priority, now: now) : nil
                news.append(WorkerNews(id: id, asker: asker, content: entry.end(failure, relief)))
            case .kill(let worker):
                state.seats[worker]?.kill()
            case .wake(let time):
                state.alarm?.cancel()
                state.alarm = clock.scheduleTask(deadline: NIODeadline.uptimeNanoseconds(time.nanoseconds)) {
                    self.wake()
                }
            }
        }
        return news
    }

    private func wake() {
        let now = Instant.current
        change(now: now) { ((), $0.machine.woken(now: now)) }
    }
}

extension WorkerGroup.State {
    /// Nobody wants the answer any more: what is left of the body goes nowhere.
    mutating func callOff(_ id: ItemID, _ reason: CancelReason) {
        entries[id]?.asker = nil
        entries[id]?.calledOff = reason
        letGoOfBody(id)
    }

    /// The answer begins, or nobody wants it: the request is not sent again, nor what is left of its body.
    mutating func letGoOfBody(_ id: ItemID) {
        guard entries[id]?.request != nil else { return }
        entries[id]?.request = nil
        forgetRest(of: id)
    }

    /// Pieces of the body that its worker was not sent yet are not sent.
    func forgetRest(of id: ItemID) {
        if let worker = machine.holder(of: id) { seats[worker]?.forget(id) }
    }
}

extension WorkerGroup.Entry {
    /// What the leg is told of a request that was given up.
    ///
    /// - Parameter retryAfter: When another try may do better, where that is known.
    fileprivate func end(_ failure: ItemFailure, _ retryAfter: Duration?) -> WorkerNews.Content {
        if failure == .failed, let complaint { return .failed(complaint) }
        return .refused(failure.error, retryAfter: retryAfter)
    }
}

extension CancelReason {
    /// As the protocol says it.
    fileprivate var word: StaticString {
        switch self {
        case .clientGone, .slowReader: "disconnect"
        case .timeout: "timeout"
        case .replaced, .drain, .shutdown: "admin"
        }
    }
}

extension ItemFailure {
    /// What whoever asked is told.
    package var error: MartletError {
        switch self {
        case .failed: MartletError(.workerFailed)
        case .crashed: MartletError(.workerCrashed)
        case .poisoned: MartletError(.requestQuarantined)
        case .expired: MartletError(.deadlineExceeded)
        case .hopeless: MartletError(.noCapacity)
        case .noWorker: MartletError(.noTarget)
        }
    }
}
