public import MartletBase

// What goes wrong: batches that fail, workers that die, computations that nobody wants.
extension BatchMachine {
    // MARK: Failed batches

    /// The items that failed with the batch in `slot` are tried again in halves; the one whose fault it was fails alone
    /// in the end.
    mutating func split(_ slot: Int) {
        let failed = itemSlots(of: slot, at: .parted(batch: slot))
        let middle = (failed.count + 1) / 2
        putBack(failed[middle...], inCompany: true)
        putBack(failed[..<middle], inCompany: true)
    }

    private func itemSlots(of batch: Int, at place: ItemTable.Place) -> [Int] {
        workers.batches[batch].ids.compactMap { id in
            items.slot(of: id).flatMap { items.entries[$0].place == place ? $0 : nil }
        }
    }

    /// Puts items back to the front of their lines, in their order.
    private mutating func putBack(_ slots: some BidirectionalCollection<Int>, inCompany: Bool) {
        lastCompany += inCompany ? 1 : 0
        for slot in slots.reversed() {
            if inCompany { items.entries[slot].company = lastCompany }
            items.putBack(slot)
        }
    }

    // MARK: Workers that die

    /// A worker's process ended, whatever the reason. Its items are tried again or given up.
    ///
    /// Those that it worked on are suspects if they may be tried again, and poisoned if they were suspects already.
    /// What was sent ahead it had not begun, and whoever it was killed for is not among those that are left: they just
    /// go back.
    public mutating func gone(_ worker: WorkerNumber, now: Instant) -> [BatchAction] {
        guard let index = workers.index(of: worker) else { return [] }
        let (isKilled, concurrent) = (workers.workers[index].isKilled, workers.workers[index].capacity.concurrent)
        var actions: [BatchAction] = []
        var innocent: [Int] = []
        for (position, slot) in workers.remove(at: index).enumerated() {
            workers.batches[slot].left = 0
            if workers.batches[slot].parted > 0 { split(slot) }
            for item in itemSlots(of: slot, at: .held(batch: slot)) {
                if let action = bereave(item, isGuilty: position < concurrent && !isKilled) {
                    actions.append(action)
                } else if items.entries[item].isSuspect {
                    items.putBack(item)
                } else {
                    innocent.append(item)
                }
            }
        }
        putBack(innocent, inCompany: false)
        dispatch(now: now, &actions)
        return actions
    }

    /// What becomes of an item whose worker died; nil: it is tried again.
    private mutating func bereave(_ slot: Int, isGuilty: Bool) -> BatchAction? {
        let entry = items.entries[slot]
        let id = entry.item.id
        if entry.isCancelled {
            items.remove(slot)
            return .forget(id)
        }
        guard !entry.hasBegun, policy.triesAgainAfterCrash else {
            items.remove(slot)
            return .fail(id, .crashed)
        }
        guard isGuilty else { return nil }
        if entry.isSuspect {
            items.remove(slot)
            return .fail(id, .poisoned)
        }
        items.entries[slot].isSuspect = true
        return nil
    }

    // MARK: What nobody wants

    /// All items that are left of the batch in `slot` are cancelled: those that failed with it need not wait for its
    /// end, and its worker has to end it soon.
    mutating func nobodyWants(_ slot: Int, now: Instant, _ actions: inout [BatchAction]) {
        if workers.batches[slot].parted > 0 {
            split(slot)
            workers.batches[slot].parted = 0
            dispatch(now: now, &actions)
        }
        guard let killAfter, workers.batches[slot].unwantedSince == nil else { return }
        workers.batches[slot].unwantedSince = now
        time(slot, until: now + killAfter)
        awaitNext(now: now, &actions)
    }

    private mutating func time(_ slot: Int, until deadline: Instant) {
        if unwanted.count > 2 * workers.batchesInHand + 64 {
            unwanted.compact { [workers] in workers.isStill($0.sequence, in: $0.slot) }
        }
        unwanted.insert(.init(deadline: deadline, slot: slot, sequence: workers.batches[slot].number))
    }

    /// Kills the workers that went on for too long with what nobody wants.
    mutating func killOverdue(now: Instant, _ actions: inout [BatchAction]) {
        while let entry = unwanted.earliest, entry.deadline <= now {
            unwanted.removeEarliest()
            guard let killAfter, workers.isStill(entry.sequence, in: entry.slot),
                let index = workers.index(of: workers.batches[entry.slot].worker), !workers.workers[index].isKilled
            else { continue }
            let silentSince = silence(of: index, over: entry.slot)
            if silentSince + killAfter > now {
                time(entry.slot, until: silentSince + killAfter)
            } else if workers.isAtWork(entry.slot, of: index), !isNeeded(index, before: silentSince) {
                workers.workers[index].isKilled = true
                actions.append(.kill(workers.workers[index].number))
            } else {
                // Sent ahead, it is not what its worker is busy with.
                time(entry.slot, until: now + killAfter)
            }
        }
    }

    /// Since when the worker of a batch that nobody wants brought nothing forward. One that works on several batches
    /// may serve all others well although one of them does not end: it is worth more than the place that this one
    /// takes.
    private func silence(of index: Int, over slot: Int) -> Instant {
        max(workers.batches[slot].unwantedSince ?? Instant(nanoseconds: 0), workers.workers[index].lastSign)
    }

    /// Whether somebody waits for what the worker has been at since before `time`, which may be long. What it was given
    /// since then says nothing: whoever hangs is given more, and would never be found out.
    private func isNeeded(_ index: Int, before time: Instant) -> Bool {
        workers.slotsAtWork(of: index).contains { slot in
            !workers.batches[slot].isUnwanted && workers.batches[slot].sent <= time
        }
    }
}
