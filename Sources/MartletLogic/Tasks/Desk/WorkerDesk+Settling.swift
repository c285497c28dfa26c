import MartletBase

/// What becomes of a run that ended.
extension WorkerDesk {
    mutating func settle(_ id: DeliveryID, _ settlement: Settlement, _ actions: inout [DeskAction]) {
        entries[id]?.phase = .settling
        entries[id]?.settlement = settlement
        actions.append(.settle(id, settlement))
    }

    /// Its lease is lost, and nothing of it runs.
    mutating func forget(_ id: DeliveryID, _ actions: inout [DeskAction]) {
        entries[id] = nil
        counts.abandoned += 1
        actions.append(.forget(id))
    }

    mutating func settlement(of entry: Entry, _ end: RunEnd, now: TaskTime) -> Settlement {
        switch end {
        case .succeeded: .succeed
        case .settled: .acknowledge
        case .failed where rules[entry.arrival.name]?.retry.retriesFailures == true:
            retry(entry, after: nil, orElse: .raised, now: now)
        case .failed: .fail(.raised)
        case .retry(let delay): retry(entry, after: delay, orElse: .retriesExceeded, now: now)
        case .rejected(let requeue): requeue && !entry.isAcknowledged ? .giveBack(atHead: false) : .acknowledge
        case .timedOut: timedOut(entry, entry.hardLimit ?? 0)
        // A process that was killed is lost because of that.
        case .lost: entry.kill == nil ? lost(entry) : settlement(ofStopped: entry, isAcknowledged: entry.isAcknowledged)
        case .stopped: settlement(ofStopped: entry, isAcknowledged: entry.isAcknowledged)
        }
    }

    private mutating func retry(
        _ entry: Entry, after delay: Duration?, orElse failure: DeskFailure, now: TaskTime
    ) -> Settlement {
        var policy = rules[entry.arrival.name]?.retry ?? TaskRetryPolicy()
        if let maximum = entry.arrival.maximumRetries { policy.maximumRetries = maximum }
        let retries = entry.arrival.retries
        guard policy.allows(retries: retries) else { return .fail(failure) }
        let wait = max(delay ?? policy.delay(retries: retries, using: &random), .zero)
        let (eta, overflow) = now.wall.addingReportingOverflow(wait.wholeNanoseconds / 1_000_000)
        return .retry(retries: retries + 1, eta: overflow ? .max : eta)
    }

    /// What becomes of a run that was ended from outside.
    func settlement(ofStopped entry: Entry, isAcknowledged: Bool) -> Settlement {
        switch entry.kill {
        case .timeLimit(let seconds): timedOut(entry, seconds)
        case .revoked: .revoke(expired: false, terminated: entry.startedAt != nil)
        case .drain, nil: isAcknowledged ? .fail(.workerLost) : .giveBack(atHead: true)
        }
    }

    private func timedOut(_ entry: Entry, _ seconds: Double) -> Settlement {
        let isOver = entry.isAcknowledged || rules[entry.arrival.name]?.acksOnTimeout != false
        return isOver ? .fail(.timeLimit(seconds)) : again(entry)
    }

    private func lost(_ entry: Entry) -> Settlement {
        let isOver = entry.isAcknowledged || rules[entry.arrival.name]?.returnsWhenLost == false
        return isOver ? .fail(.workerLost) : again(entry)
    }

    /// At the end of its queue, so that it does not kill one process after the other.
    private func again(_ entry: Entry) -> Settlement {
        entry.arrival.deliveries >= policy.maximumDeliveries ? .bury : .giveBack(atHead: false)
    }
}
