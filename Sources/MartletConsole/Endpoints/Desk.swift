package import MartletBase
package import MartletExchange
package import MartletGateway
import MartletNet
package import MartletTelemetry
import MartletWire
package import MartletWorkers
import NIOCore

/// What the console shows and may change.
package struct Desk: Sendable {
    let pools: [Pool]
    let loops: LoopTable
    let labels: LabelRegistry
    let membership: Membership
    let backends: BackendService
    let budget: BufferBudget
    let governor: Governor
    let accessLog: LogSink?
    /// The numbers of the broker of tasks; nil: this process has none.
    let broker: @Sendable () async -> Readings.Broker?
    /// The numbers of the history of tasks; nil: none is kept.
    let taskHistory: @Sendable () -> Readings.TaskHistory?
    /// The numbers of cron; nil: it has no entries.
    let cron: @Sendable () -> Readings.Cron?
    /// The workers of tasks in this process.
    let taskWorkers: @Sendable () -> [Readings.TaskWorker]
    /// The numbers of knowledge; nil: this process has none.
    let knowledge: @Sendable () async -> Readings.Knowledge?

    package init(
        pools: [Pool], loops: LoopTable, labels: LabelRegistry, membership: Membership, backends: BackendService,
        budget: BufferBudget, governor: Governor = Governor(), accessLog: LogSink?,
        broker: @escaping @Sendable () async -> Readings.Broker? = { nil },
        taskHistory: @escaping @Sendable () -> Readings.TaskHistory? = { nil },
        cron: @escaping @Sendable () -> Readings.Cron? = { nil },
        taskWorkers: @escaping @Sendable () -> [Readings.TaskWorker] = { [] },
        knowledge: @escaping @Sendable () async -> Readings.Knowledge? = { nil }
    ) {
        self.pools = pools
        self.loops = loops
        self.labels = labels
        self.membership = membership
        self.backends = backends
        self.budget = budget
        self.governor = governor
        self.accessLog = accessLog
        self.broker = broker
        self.taskHistory = taskHistory
        self.cron = cron
        self.taskWorkers = taskWorkers
        self.knowledge = knowledge
    }

    /// The numbers of all loops, summed.
    func totals() async throws -> MeterTotals {
        MeterTotals(try await loops.map { $0.meter.snapshot() })
    }
}

/// Asks for the console's token, where one is set.
package final class Guarded: LocalHandler {
    private let handler: any LocalHandler
    private let token: Secret?

    package init(_ handler: any LocalHandler, token: Secret?) {
        self.handler = handler
        self.token = token
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try Self.check(request, token)
        return try await handler.handle(request)
    }

    /// What guards a handler, whether it takes bodies as they come or not.
    package static func over(_ handler: any LocalHandler, token: Secret?) -> any LocalHandler {
        if let upload = handler as? any UploadHandler { return GuardedUpload(upload, token: token) }
        return Guarded(handler, token: token)
    }

    /// - Throws: `unauthorized`.
    fileprivate static func check(_ request: LocalRequest, _ token: Secret?) throws {
        guard token != nil || isDirect(request) else {
            throw MartletError(
                .unauthorized, cause: "without a token the console answers to addresses and localhost only")
        }
        if let token, !Secret("Bearer \(token.exposed)").matches(request.headers.value(.authorization) ?? "") {
            throw MartletError(.unauthorized)
        }
    }

    /// The request names an address or `localhost`: a name that a web page made point here would be another.
    package static func isDirect(_ request: LocalRequest) -> Bool {
        let host = request.headers.value(.host) ?? ""
        let name = String(host.hasPrefix("[") ? host.dropFirst().prefix { $0 != "]" } : host.prefix { $0 != ":" })
        return name.isEmpty || name == "localhost" || SocketAddress.literal(name, port: 0) != nil
    }
}

/// The same in front of what takes bodies as they come.
private final class GuardedUpload: UploadHandler {
    private let handler: any UploadHandler
    private let token: Secret?

    init(_ handler: any UploadHandler, token: Secret?) {
        self.handler = handler
        self.token = token
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try await handle(request, body: LocalBody(request.body))
    }

    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
        try Guarded.check(request, token)
        return try await handler.handle(request, body: body)
    }
}
