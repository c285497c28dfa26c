public import MartletBase

// Who gets what, and when.
extension BatchMachine {
    /// Gives out what waits while a worker may have some.
    mutating func dispatch(now: Instant, _ actions: inout [BatchAction]) {
        while items.waitingSuspects > 0, let worker = workers.leastBusy(sparingSuspects: true) {
            sendSuspect(to: worker, now: now, &actions)
        }
        while items.waiting > 0, let worker = workers.leastBusy(sparingSuspects: false) ?? workerAhead(now: now) {
            sendBatch(to: worker, now: now, &actions)
        }
        awaitNext(now: now, &actions)
    }

    /// A busy worker that a batch should be sent to ahead of time, if those who wait make one: a batch that is full,
    /// or has gathered for as long as it may.
    private func workerAhead(now: Instant) -> Int? {
        guard pace.ahead > 0, let index = welcoming(now: now) else { return nil }
        let isFull = bounds(of: index).isFilled(
            byItems: items.waiting, bytes: items.waitingBytes, weight: items.waitingWeight)
        return isFull || items.isNextInCompany || now >= windowEnd ? index : nil
    }

    private func welcoming(now: Instant) -> Int? {
        workers.leastBusy(ahead: pace.ahead, sparingSuspects: false) {
            !BatchPace.isSlow(since: $0.lastProgress, now: now)
        }
    }

    private var windowEnd: Instant { (items.oldestArrival ?? .never) + window }

    private func bounds(of index: Int) -> BatchBounds {
        BatchBounds(
            count: largestBatch(of: index),
            bytes: policy.maxBytes, weight: policy.maxWeight)
    }

    private func largestBatch(of index: Int) -> Int {
        let size = min(policy.maxBatch, workers.workers[index].capacity.maxBatch)
        return objectiveSeconds.map { min(size, fit.largest(within: $0)) } ?? size
    }

    private mutating func sendBatch(to index: Int, now: Instant, _ actions: inout [BatchAction]) {
        var late: [ItemID] = []
        let ids = items.takeBatch(bounds(of: index), for: workers.nextSlot, now: now, late: &late)
        for id in late { actions.append(.fail(id, .expired)) }
        send(ids, to: index, isSuspect: false, now: now, &actions)
    }

    /// A suspect goes alone, and to a worker that has no other: when that dies too, it is known whose doing it was.
    private mutating func sendSuspect(to index: Int, now: Instant, _ actions: inout [BatchAction]) {
        guard let (id, isLate) = items.takeSuspect(for: workers.nextSlot, now: now) else { return }
        if isLate { return actions.append(.fail(id, .expired)) }
        send([id], to: index, isSuspect: true, now: now, &actions)
    }

    private mutating func send(
        _ ids: [ItemID], to index: Int, isSuspect: Bool, now: Instant, _ actions: inout [BatchAction]
    ) {
        guard !ids.isEmpty else { return }
        let number = workers.give(ids, to: index, isSuspect: isSuspect, now: now)
        actions.append(.send(workers.workers[index].number, batch: number, ids))
    }

    // MARK: Ends

    /// All items of the batch in `slot` have ended: the worker can have another.
    mutating func end(_ slot: Int, now: Instant, _ actions: inout [BatchAction]) {
        let batch = workers.batches[slot]
        if let index = workers.index(of: batch.worker) {
            measure(batch, of: workers.workers[index], now: now)
            workers.end(slot, of: index, now: now)
        }
        if batch.parted > 0 { split(slot) }
        dispatch(now: now, &actions)
    }

    private mutating func measure(_ batch: WorkerTable.Batch, of worker: WorkerTable.Worker, now: Instant) {
        guard batch.isWhole else { return }
        let start = max(batch.sent, worker.lastProgress)
        pace.ended(after: now > start ? now.nanoseconds - start.nanoseconds : 0)
        let seconds = (now - (worker.capacity.concurrent == 1 ? start : batch.sent)).inSeconds
        compute.answered(batch.ids.count, after: seconds)
        if objectiveSeconds != nil { fit.add(size: batch.ids.count, seconds: seconds) }
    }

    // MARK: The objective

    /// Whether the item would not be over in time. One that a worker is free for never is: its time is measured anew.
    func isHopeless(_ item: BatchItem, now: Instant) -> Bool { overrun(item.priority, now: now) > 0 }

    /// How long after now a request of this class would be in time, should no other come.
    public func relief(for priority: PriorityClass, now: Instant) -> Duration {
        .seconds(max(overrun(priority, now: now), 0))
    }

    /// By how many seconds one that came now would miss the objective; 0 or less: it would not.
    private func overrun(_ priority: PriorityClass, now: Instant) -> Double {
        guard let objective = objectiveSeconds, fit.isKnown, workers.leastBusy(sparingSuspects: false) == nil,
            let first = workers.leastBusy(ahead: .max / 2, sparingSuspects: false)
        else { return 0 }
        let size = largestBatch(of: first)
        let before = items.turns(before: priority)
        let turns = before / size / workers.lanes
        let wait = untilNextEnd(now: now) + Double(turns) * fit.latency(of: size)
        return wait + fit.latency(of: before % size + 1) - objective
    }

    /// Seconds until the first of the busy workers should be free.
    private func untilNextEnd(now: Instant) -> Double {
        var least = Double.infinity
        for worker in workers.workers where worker.isInService && worker.oldest != WorkerTable.none {
            let size = workers.batches[worker.oldest].ids.count
            least = min(least, fit.latency(of: size) - (now - worker.lastProgress).inSeconds)
        }
        return least.isFinite ? max(least, 0) : 0
    }

    // MARK: Wake-ups

    /// Asks for the next wake-up, when it must come before the one that is on its way.
    mutating func awaitNext(now: Instant, _ actions: inout [BatchAction]) {
        var next = unwanted.earliest?.deadline ?? .never
        if items.waiting > 0, pace.ahead > 0, welcoming(now: now) != nil { next = min(next, windowEnd) }
        guard next < nextWake else { return }
        nextWake = next
        actions.append(.wake(at: next))
    }
}
