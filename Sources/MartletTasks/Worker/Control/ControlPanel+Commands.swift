import Logging
import MartletBase
import MartletLogic
import MartletWire
import Synchronization

// MARK: Revoking

extension ControlPanel {
    func revoke(_ arguments: ControlArguments, terminate: Bool) async throws(ControlRefusal) -> JSONValue {
        guard let ids = arguments.texts("task_id") else { throw .missing("task_id", of: arguments.command) }
        let ended = await worker.revoke(ids, terminate: terminate)
        return terminate ? ControlReply.terminated(ended) : ControlReply.revoked(ids)
    }

    func revokeByStamps(_ arguments: ControlArguments) async -> JSONValue {
        let stamps = arguments.stamps("headers")
        let terminate = arguments.flag("terminate")
        let running = await worker.revoke(stamps: stamps, terminate: terminate)
        let text = "{" + stamps.sorted { $0.key < $1.key }.map { header, values in
            "\(PythonRepr.quoted(header)): [\(values.map(PythonRepr.quoted).joined(separator: ", "))]"
        }.joined(separator: ", ") + "}"
        guard terminate else { return ControlReply.ok("headers \(text) flagged as revoked, but not terminated") }
        return ControlReply.ok(running ? "headers \(text) revoked" : "headers \(text) were not terminated")
    }
}

// MARK: Limits

extension ControlPanel {
    func setRate(_ arguments: ControlArguments) throws(ControlRefusal) -> JSONValue {
        let name = try arguments.needed("task_name")
        let text = arguments.text("rate_limit") ?? arguments.number("rate_limit").map { "\($0)" } ?? ""
        let limit: RateLimit?
        do {
            limit = try TaskRateText.parse(text)
        } catch {
            let reason = PythonRepr.quoted("could not convert string to float: \(PythonRepr.quoted(text))")
            return ControlReply.error("Invalid rate limit string: ValueError(\(reason))")
        }
        var isKnown = false
        worker.change { state, now in
            let actions = state.desk.setRate(limit, of: name, now: now)
            isKnown = actions != nil
            return actions ?? []
        }
        guard isKnown else { return ControlReply.error("unknown task") }
        return ControlReply.ok(limit == nil ? ControlReply.Text.rateLimitOff : ControlReply.Text.rateLimit)
    }

    func setTimeLimit(_ arguments: ControlArguments) -> JSONValue {
        guard let name = arguments.text("task_name") else { return ControlReply.error("unknown task") }
        let (soft, hard) = (arguments.number("soft"), arguments.number("hard"))
        let isKnown = worker.state.withLock { $0.desk.setTimeLimits(soft: soft, hard: hard, of: name) }
        return isKnown ? ControlReply.ok(ControlReply.Text.timeLimits) : ControlReply.error("unknown task")
    }
}

// MARK: The pool

extension ControlPanel {
    func grow(_ count: Int) async -> JSONValue {
        var change = SlotChange.outOfBounds
        worker.change { state, now in
            let (answer, actions) = state.desk.grow(by: count, now: now)
            change = answer
            return actions
        }
        return await answer(change, of: "pool_grow", ControlReply.Text.poolGrows)
    }

    func shrink(_ count: Int) async -> JSONValue {
        let change = worker.state.withLock { $0.desk.shrink(by: count) }
        return await answer(change, of: "pool_shrink", ControlReply.Text.poolShrinks)
    }

    private func answer(_ change: SlotChange, of command: String, _ text: String) async -> JSONValue {
        switch change {
        case .changed(let slots):
            await worker.resizeExecutors(to: slots)
            return ControlReply.ok(text)
        case .autoscaled:
            return ControlReply.error("\(command) is not supported with autoscale. Adjust autoscale range instead.")
        case .outOfBounds: return ControlReply.error("ValueError('Can\\'t shrink pool. All processes busy!')")
        }
    }

    func autoscale(_ arguments: ControlArguments) async throws(ControlRefusal) -> JSONValue {
        guard let bounds = worker.state.withLock({ $0.desk.autoscale }) else {
            throw .value("Autoscale not enabled")
        }
        let maximum = arguments.integer("max") ?? bounds.upperBound
        let minimum = arguments.integer("min") ?? bounds.lowerBound
        var change = SlotChange.outOfBounds
        worker.change { state, now in
            let (answer, actions) = state.desk.autoscale(max: maximum, min: minimum, now: now)
            change = answer
            return actions
        }
        guard case .changed(let slots) = change else { throw .value("max must be at least min, and at least 1") }
        await worker.resizeExecutors(to: slots)
        return ControlReply.autoscale(maximum: maximum, minimum: minimum)
    }

    func restart() async throws(ControlRefusal) -> JSONValue {
        do {
            for executor in worker.executors { try await executor.restart() }
        } catch {
            throw .value("\(error)")
        }
        worker.register()
        return ControlReply.ok(ControlReply.Text.reload)
    }
}

// MARK: Queues and events

extension ControlPanel {
    func consume(_ arguments: ControlArguments) throws(ControlRefusal) -> JSONValue {
        let queue = try arguments.needed("queue")
        let isNew = worker.state.withLock { $0.desk.consume(queue) }
        if isNew { worker.queuesChanged() }
        return ControlReply.ok(ControlReply.Text.consumes(queue))
    }

    func stopConsuming(_ arguments: ControlArguments) throws(ControlRefusal) -> JSONValue {
        let queue = try arguments.needed("queue")
        let wasConsumed = worker.state.withLock { $0.desk.stopConsuming(queue) }
        if wasConsumed { worker.queuesChanged() }
        return ControlReply.ok(ControlReply.Text.consumesNoMore(queue))
    }

    func enableEvents(_ isOn: Bool) -> JSONValue {
        let isNew = worker.events.setTaskEvents(isOn)
        return ControlReply.ok(
            isOn
                ? isNew ? ControlReply.Text.eventsOn : ControlReply.Text.eventsOnAlready
                : isNew ? ControlReply.Text.eventsOff : ControlReply.Text.eventsOffAlready)
    }
}
