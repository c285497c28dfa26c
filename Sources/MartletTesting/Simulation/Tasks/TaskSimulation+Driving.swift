import MartletBase
import MartletLogic

/// What a worker's driver does, and what the broker answers.
extension TaskSimulation {
    /// Something happens to a worker that is well: runs end, what was said is heard, answers come.
    mutating func work(_ index: Int) {
        guard isWell(workers[index]) else { return }
        endRuns(of: index)
        guard workers[index].cutUntil == nil else { return }
        for position in workers[index].flights.indices where workers[index].flights[position].reply == nil {
            if !oneIn(3) { hear(position, of: index) }
        }
        answer(index)
        pull(index)
    }

    mutating func wake(_ index: Int) {
        guard isWell(workers[index]) else { return }
        apply(workers[index].desk.woken(now: now), index)
        // What is due is done by now: a wake-up for it would come again and again.
        if workers[index].wakeAt <= now.instant { books.note("it wakes for nothing") }
    }

    mutating func pull(_ index: Int) {
        guard isWell(workers[index]), !workers[index].isPulling, let pull = workers[index].desk.pull(now: now) else {
            return
        }
        if workers[index].desk.isDraining { books.note("a worker that drains takes more") }
        workers[index].flights.append(Flight(call: .pull(pull)))
    }

    // MARK: Runs

    private mutating func endRuns(of index: Int) {
        // Of a batch, the one that has the slot ends last.
        let due = workers[index].runs.filter { $0.value.endsAt <= now.instant }.sorted { one, other in
            one.value.hasSlot == other.value.hasSlot ? one.key < other.key : other.value.hasSlot
        }
        for id in due.map(\.key) {
            guard let run = workers[index].runs.removeValue(forKey: id) else { continue }
            workers[index].ends[id] = run.end
            apply(workers[index].desk.ended(id, run.end, now: now), index)
        }
    }

    private mutating func begin(_ id: DeliveryID, _ index: Int) {
        let batch = workers[index].desk.batch(of: id)
        for member in batch { begin(member, hasSlot: member == id, index) }
        let runs = batch.compactMap { workers[index].runs[$0] }
        if runs.count < batch.count { books.note("one of a batch does not run") }
        guard batch.count > 1, let end = runs.map(\.endsAt).max() else { return }
        books.met.joint += batch.count
        let limit = runs.compactMap(\.hardLimit).min()
        for member in batch {
            workers[index].runs[member]?.endsAt = end
            workers[index].runs[member]?.hardLimit = limit
            workers[index].runs[member]?.batch = batch
        }
    }

    private mutating func begin(_ id: DeliveryID, hasSlot: Bool, _ index: Int) {
        guard let lease = workers[index].held[id] else { return books.note("\(id) runs, but is not held") }
        let message = lease.message
        let nature = books.tasks[message.task].nature
        let others = workers.indices.filter { $0 != index && isSound(workers[$0]) }.flatMap { runs(of: workers[$0]) }
        let end = now.instant + .milliseconds(oneIn(6) ? draw(50_000) : draw(3000))
        var run = SimulatedRun(
            task: message.task, name: message.name, key: message.key, endsAt: nature == .hangs ? .never : end,
            end: nature.end(retries: message.retries, runs: books.tasks[message.task].runs + 1), startedAt: now.instant)
        run.hardLimit = message.hardLimit ?? policy.hardLimit
        run.hasSlot = hasSlot
        workers[index].runs[id] = run
        books.began(message, others: others, on: workers[index], now: now)
        if message.name == "rated" { countRated(index) }
        workers[index].desk.started(id, now: now)
    }

    /// Those whose results count, as far as it knows: of a batch one may be given up alone.
    private func runs(of worker: SimulatedTaskWorker) -> [SimulatedRun] {
        worker.runs.filter { worker.desk.task($0.key)?.isAbandoned != true }.map(\.value)
    }

    /// Whether what it runs is known to be its own: it goes on, and heeds the end of its leases.
    private func isSound(_ worker: SimulatedTaskWorker) -> Bool {
        worker.pausedUntil == nil && !(policy.outlivesSilence && worker.cutUntil != nil)
            && worker.wakeAt > now.instant && !policy.outlivesSilence
    }

    private mutating func countRated(_ index: Int) {
        workers[index].ratedStarts += 1
        let seconds = (now.instant - workers[index].bornAt).inSeconds
        if Double(workers[index].ratedStarts) > 1.001 + seconds / 2 { books.note("tasks begin above their rate") }
    }

    private mutating func endFromOutside(_ id: DeliveryID, _ index: Int, _ change: (inout SimulatedRun) -> Void) {
        guard let first = workers[index].runs[id] else { return books.note("\(id) is ended, but does not run") }
        if first.isEndedFromOutside { books.note("\(id) is ended twice") }
        // It heeds that soon, unless it ends by itself before.
        let soon = now.instant + .milliseconds(draw(2000))
        for member in first.batch.isEmpty ? [id] : first.batch {
            guard var run = workers[index].runs[member] else { return books.note("one of a batch does not run") }
            change(&run)
            if soon < run.endsAt {
                run.endsAt = soon
                run.end = oneIn(4) ? .lost : .stopped
            }
            workers[index].runs[member] = run
        }
    }

    // MARK: What the desk wants

    mutating func apply(_ actions: [DeskAction], _ index: Int) {
        for action in actions {
            switch action {
            case .run(let id): begin(id, index)
            case .acknowledge(let id): workers[index].flights.append(Flight(call: .acknowledge(id)))
            case .soft(let id):
                if workers[index].runs[id] == nil { books.note("\(id) is told of its limit, but does not run") }
            case .kill(let id, let reason):
                for member in workers[index].desk.batch(of: id) { workers[index].kills[member] = reason }
                judge(reason, workers[index].runs[id])
                endFromOutside(id, index) { $0.killedFor = reason }
            case .abandon(let id):
                books.met.abandoned += 1
                endFromOutside(id, index) { $0.isAbandoned = true }
            case .settle(let id, let settlement):
                if workers[index].held[id] == nil { books.note("\(id) is settled, but is not held") }
                if workers[index].runs[id] != nil { books.note("\(id) is settled, but runs") }
                workers[index].flights.append(Flight(call: .settle(id, settlement)))
            case .forget(let id):
                if workers[index].runs[id] != nil { books.note("\(id) is forgotten, but runs") }
                if workers[index].held.removeValue(forKey: id) == nil { books.note("\(id) is forgotten, but not held") }
            case .renew(let ids):
                workers[index].flights.append(Flight(call: .renew(ids, sentAt: now.instant)))
            case .enter(let wishes): workers[index].flights.append(Flight(call: .enter(wishes)))
            case .askRate: books.note("a rate is asked for that no task has")
            }
        }
        workers[index].wakeAt = workers[index].desk.nextWake(now: now)
    }

    private mutating func judge(_ reason: KillReason, _ run: SimulatedRun?) {
        guard case .timeLimit(let seconds) = reason, let run else { return }
        if seconds != run.hardLimit || now.instant < run.startedAt + .seconds(seconds) {
            books.note("t\(run.task) is killed before its time")
        }
    }

    // MARK: The broker

    /// The broker hears one call.
    mutating func hear(_ position: Int, of index: Int) {
        guard workers[index].flights[position].reply == nil else { return }
        switch workers[index].flights[position].call {
        case .pull(let pull):
            workers[index].flights[position].reply = .taken(broker.take(pull, now: now.instant))
        case .acknowledge(let id):
            guard let lease = workers[index].held[id] else { return }
            let isOurs = broker.remove(lease)
            if isOurs {
                books.tasks[lease.message.task].isAtRisk = true
                workers[index].acknowledged.insert(id)
            }
            workers[index].flights[position].reply = .done(isOurs)
        case .settle(let id, let settlement):
            workers[index].flights[position].reply = .done(settle(id, settlement, index))
        case .renew(let ids, _):
            let lost = ids.filter { id in workers[index].held[id].map { !broker.renew($0, now: now.instant) } ?? false }
            workers[index].flights[position].reply = .lost(lost)
        case .enter(let wishes):
            let verdicts = wishes.map { wish in
                workers[index].held[wish.id].map { broker.enter($0, wish.key, limit: wish.limit) } ?? false
            }
            workers[index].flights[position].reply = .entered(verdicts)
        }
    }

    /// One step at the broker, behind the fence.
    private mutating func settle(_ id: DeliveryID, _ settlement: Settlement, _ index: Int) -> Bool {
        guard let lease = workers[index].held[id] else { return false }
        let isAcknowledged = workers[index].acknowledged.contains(id)
        guard isAcknowledged || broker.remove(lease) else {
            books.met.fenced += 1
            return false
        }
        let message = lease.message
        books.committed(
            message, settlement, end: workers[index].ends[id], kill: workers[index].kills[id],
            isAcknowledged: isAcknowledged, now: now)
        switch settlement {
        case .giveBack(let atHead): broker.giveBack(message, atHead: atHead)
        case .postpone: broker.postpone(message)
        case .retry(let retries, let eta):
            var again = self.message(of: message.task, name: message.name, queue: message.queue)
            again.key = message.key
            again.retries = retries
            again.eta = eta
            books.tasks[message.task].isAtRisk = false
            broker.put(again)
        case .succeed, .fail, .revoke, .acknowledge, .bury: break
        }
        return true
    }

    /// Answers come, some of them: in any order.
    private mutating func answer(_ index: Int) {
        let ready = workers[index].flights.filter { $0.reply != nil }
        workers[index].flights.removeAll { $0.reply != nil }
        for flight in ready.shuffled(using: &random) {
            guard !oneIn(4), let reply = flight.reply else {
                workers[index].flights.append(flight)
                continue
            }
            deliver(flight.call, reply, index)
        }
    }

    private mutating func deliver(_ call: Flight.Call, _ reply: Flight.Reply, _ index: Int) {
        switch (call, reply) {
        case (.pull(let pull), .taken(let leases)):
            let arrivals = leases.map { arrival($0, index) }
            apply(workers[index].desk.pulled(arrivals, of: pull, now: now), index)
        case (.acknowledge(let id), .done(let isOurs)):
            apply(workers[index].desk.acknowledged(id, isOurs: isOurs, now: now), index)
        case (.settle(let id, _), .done(let isCommitted)):
            workers[index].held[id] = nil
            workers[index].desk.settled(id, isCommitted: isCommitted)
        case (.renew(let ids, let sentAt), .lost(let lost)):
            apply(workers[index].desk.renewed(ids, sentAt: sentAt, lost: lost, now: now), index)
        case (.enter(let wishes), .entered(let verdicts)):
            apply(workers[index].desk.entered(wishes, verdicts, now: now), index)
        default: books.note("an answer to something else")
        }
    }

    private mutating func arrival(_ lease: SimulatedBroker.Lease, _ index: Int) -> TaskArrival {
        workers[index].lastDelivery += 1
        let id = DeliveryID(workers[index].lastDelivery)
        workers[index].held[id] = lease
        let message = lease.message
        var arrival = TaskArrival(
            id: id, task: "t\(message.task)", name: message.name, queue: message.queue, priority: message.priority,
            key: message.key, retries: message.retries, deliveries: message.deliveries, eta: message.eta,
            expires: message.expires, hardLimit: message.hardLimit)
        arrival.keyConcurrency = message.name == "shared" ? SimulatedRun.places : nil
        return arrival
    }
}
