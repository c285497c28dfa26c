import Foundation
import MartletBase
package import MartletExchange
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWorkers
import NIOCore

/// `GET /status`: pools, targets, what is in flight, queues, descriptors, managed backends, knowledge, build, uptime,
/// as JSON.
package final class StatusEndpoint: LocalHandler {
    private let desk: Desk

    package init(_ desk: Desk) {
        self.desk = desk
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        .json(try await text())
    }

    /// The report as JSON.
    package func text() async throws -> String {
        let totals = try await desk.totals()
        let now = Instant.current
        let report = StatusReport(
            build: .init(version: BuildInfo.current.version, commit: BuildInfo.current.commit),
            process: ProcessStats.now().map(StatusReport.Process.init),
            connections: .init(
                client: totals.connections(.client), upstreamActive: totals.connections(.upstreamActive),
                upstreamIdle: totals.connections(.upstreamIdle)),
            descriptors: try await StatusReport.Descriptors(desk, totals),
            buffered: .init(bytes: desk.budget.usedBytes, limit: desk.budget.limit),
            pools: desk.pools.map { StatusReport.Pool($0, now: now) },
            backends: desk.backends.status().map { StatusReport.Backend($0, now: now) },
            knowledge: await desk.knowledge().map(StatusReport.Knowledge.init))
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }
}

/// The form of `/status`. Durations are seconds, sizes bytes.
struct StatusReport: Encodable {
    struct Build: Encodable {
        var version: String
        var commit: String
    }
    struct Process: Encodable {
        var pid: Int32
        var uptimeSeconds: Double
        var residentBytes: Int
        var cpuSeconds: Double
        var openFiles: Int
        var openFilesLimit: Int
        var openFilesByKind: [String: Int]
    }
    struct Connections: Encodable {
        var client: Int64
        var upstreamActive: Int64
        var upstreamIdle: Int64
    }
    struct Buffered: Encodable {
        var bytes: Int
        var limit: Int
    }
    struct Pool: Encodable {
        var name: String
        var balance: String
        var inFlight: Int
        var queued: [String: Int]
        var queueLimit: Int
        var queuedBytes: Int
        var retriesInProgress: Int
        var isPanicking: Bool
        var targets: [Target]
    }
    struct Target: Encodable {
        var url: String
        var version: String?
        var weight: Int
        var backup: Bool
        var inFlight: Int
        var maxInflight: Int?
        /// Under `limit: adaptive`: what it may hold now.
        var limit: Int?
        var state: String
        var reason: String?
        var secondsUntilNextTry: Double?
        var failures: [String: UInt64]
        var breaker: String
        var picks: UInt64
    }
    struct Backend: Encodable {
        var name: String
        var instance: Int
        var state: String
        var isOutgoing: Bool
        var pid: Int32?
        var port: Int?
        /// Descriptors that the process holds.
        var openFiles: Int?
        var restarts: Int
        var lastExit: String?
        var secondsInState: Double
    }
    struct Knowledge: Encodable {
        struct Base: Encodable {
            var name: String
            var documents: Int
            var chunks: Int
            var ageSeconds: Double
        }
        var bases: Int
        var largestBases: [Base]
        var answers: [String: UInt64]
        var answersUnderWay: Int
        var cache: [String: UInt64]
        var documentsReading: Int
        var documentsWaiting: Int
    }

    var build: Build
    var process: Process?
    var connections: Connections
    var descriptors: Descriptors
    var buffered: Buffered
    var pools: [Pool]
    var backends: [Backend]
    /// nil: this process has none.
    var knowledge: Knowledge?
}

extension StatusReport.Process {
    init(_ stats: ProcessStats) {
        pid = ProcessInfo.processInfo.processIdentifier
        uptimeSeconds = Date().timeIntervalSince1970 - stats.startSecondsSince1970
        residentBytes = stats.residentBytes
        cpuSeconds = stats.userSeconds + stats.systemSeconds
        openFiles = stats.openDescriptors
        openFilesLimit = stats.maximumDescriptors
        openFilesByKind = Dictionary(uniqueKeysWithValues: stats.descriptors.map { ("\($0.key)", $0.value) })
    }
}

extension StatusReport.Pool {
    init(_ pool: MartletExchange.Pool, now: Instant) {
        let status = pool.status(now: now)
        let known = Dictionary(pool.targets.map { ($0.id, $0) }) { first, _ in first }
        name = pool.name
        balance = pool.policy.balance.rawValue
        inFlight = status.active
        queued = [
            "interactive": status.queued.interactive, "batch": status.queued.batch,
            "background": status.queued.background,
        ]
        queueLimit = status.queueLimit
        queuedBytes = status.queuedBytes
        retriesInProgress = status.retriesInProgress
        isPanicking = status.isPanicking
        targets = status.targets.map { StatusReport.Target($0, known[$0.id], now: now) }
    }
}

extension StatusReport.Target {
    init(_ status: TargetStatus, _ target: MartletExchange.Target?, now: Instant) {
        url = target?.url ?? "\(status.id)"
        version = target.flatMap { $0.version.isEmpty ? nil : $0.version }
        weight = status.weight
        backup = status.isBackup
        inFlight = status.inflight
        maxInflight = status.maxInflight
        limit = status.limit
        state = status.state.text
        reason = status.reason?.text
        secondsUntilNextTry = status.until.map { max(0, ($0 - now).inSeconds) }
        let seen = FailureClass.allCases.filter { status.failures[$0] > 0 }
        failures = Dictionary(uniqueKeysWithValues: seen.map { ($0.text, status.failures[$0]) })
        breaker = status.breaker.rawValue
        picks = status.picks
    }
}

extension StatusReport.Backend {
    init(_ status: BackendStatus, now: Instant) {
        name = status.backend
        instance = status.instance
        state = status.state
        isOutgoing = status.isOutgoing
        pid = status.pid
        port = status.port
        openFiles = status.pid.flatMap { OpenFiles.count(of: $0) }
        restarts = status.restarts
        lastExit = status.lastExit.map { "\($0)" }
        secondsInState = (now - status.since).inSeconds
    }
}

extension StatusReport.Knowledge {
    init(_ readings: Readings.Knowledge) {
        bases = readings.baseCount
        largestBases = readings.bases.map {
            Base(name: $0.name, documents: $0.documents, chunks: $0.chunks, ageSeconds: $0.ageSeconds)
        }
        answers = Dictionary(uniqueKeysWithValues: readings.answers.map { ($0.kind, $0.count) })
        answersUnderWay = readings.answersUnderWay
        cache = Dictionary(uniqueKeysWithValues: readings.cache.map { ($0.kind, $0.count) })
        documentsReading = readings.reading
        documentsWaiting = readings.waiting
    }
}
