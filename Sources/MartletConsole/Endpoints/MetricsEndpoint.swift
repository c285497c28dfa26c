import MartletBase
package import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWorkers
import NIOCore

/// `GET /metrics`: Prometheus text.
package final class MetricsEndpoint: LocalHandler {
    private let desk: Desk

    package init(_ desk: Desk) {
        self.desk = desk
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        let text = Exposition.text(totals: try await desk.totals(), labels: desk.labels, readings: try await readings())
        return LocalResponse(status: 200, contentType: Exposition.contentType, body: ByteBuffer(string: text))
    }

    private func readings() async throws -> Readings {
        var readings = Readings(build: BuildInfo.current)
        readings.descriptors = .init(desk.governor.census(), closeWait: try await desk.loops.abandonedSockets().count)
        for pool in desk.pools {
            let status = pool.status(now: .current)
            let urls = Dictionary(pool.targets.map { ($0.id, $0.url) }) { first, _ in first }
            readings.targets += status.targets.map { target in
                Readings.Target(
                    pool: pool.name, url: urls[target.id] ?? "", inFlight: target.inflight,
                    isUp: target.state.reason == nil, breaker: BreakerLabel(target.breaker))
            }
            for (priority, length) in [
                (PriorityClass.interactive, status.queued.interactive), (.batch, status.queued.batch),
                (.background, status.queued.background),
            ] {
                readings.queues.append(.init(pool: pool.name, priority: priority, length: length))
            }
        }
        readings.groups = desk.backends.groups().map { Readings.Group($0) }
        readings.broker = await desk.broker()
        readings.taskHistory = desk.taskHistory()
        readings.cron = desk.cron()
        readings.taskWorkers = desk.taskWorkers()
        readings.knowledge = await desk.knowledge()
        if let log = desk.accessLog { readings.droppedLogLines.append(("access", log.dropped)) }
        return readings
    }
}

extension Readings.Group {
    init(_ group: GroupReading) {
        self.init(pool: group.name)
        wanted = group.wanted
        ready = group.ready
        waiting = group.waiting
        computing = group.computing
        recycled = RecycleReason.allCases.map { ($0.rawValue, group.recycled[$0, default: 0]) }
        residentBytes = group.workers.map { ($0.instance, $0.vitals.residentBytes) }
        descriptors = group.workers.map { ($0.instance, $0.vitals.descriptors) }
        lyingBytes = [("request", group.lying.requests), ("answer", group.lying.answers)]
        secondsSaved = ComputeLedger.Phase.allCases.map { ($0.rawValue, group.compute.saved($0)) }
        secondsWasted = group.compute.wasted
        figures = group.figures.map { ($0.worker, $0.name, $0.value) }
    }
}

extension BreakerLabel {
    /// nil: the pool has no breaker.
    init?(_ state: BreakerState) {
        switch state {
        case .off: return nil
        case .shut: self = .shut
        case .halfOpen: self = .halfOpen
        case .open: self = .open
        }
    }
}

extension Readings.Descriptors {
    init(_ census: Census, closeWait: Int) {
        self.init(
            budget: [
                ("client", census.budget.clients), ("upstream", census.budget.upstreams),
                ("other", census.budget.other), ("reserve", census.budget.reserve),
            ],
            pressure: Int(census.pressure.rawValue),
            refused: [
                ("full", census.refused.full), ("client_limit", census.refused.tooMany),
                ("dropped", census.refused.dropped),
            ],
            closeWait: closeWait)
    }
}
