import Logging
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWorkers
import Synchronization

extension Governor {
    /// Shares out what the process may open. After the event loops exist, and before anything listens.
    convenience init(_ configuration: Configuration, logger: Logger) throws {
        let limit = try OpenFiles.limit().soft
        let instances = configuration.backends.reduce(0) { $0 + $1.instances }
        // What is open already, listeners, the two pipes of each managed backend and what watches it, the connections
        // that the broker may have.
        var standing = (OpenFiles.count() ?? 16) + configuration.listen.count + 1 + 4 * instances
        if case .own? = configuration.tasks?.broker { standing += try BrokerInside.connections() }
        self.init(limit: limit, standing: standing)
        let budget = FileBudget(limit: limit, standing: standing)
        logger.info(
            "descriptors shared out",
            metadata: [
                "limit": "\(limit)", "clients": "\(budget.clients)", "upstreams": "\(budget.upstreams)",
                "other": "\(budget.other)", "reserve": "\(budget.reserve)",
            ])
    }

    /// The bounds that hold each client, as they are in force.
    func boundClients(_ configuration: Configuration) {
        let limits = configuration.limits
        bound(
            clientsTo: .init(connections: limits.connectionsPerClient, perSecond: limits.connectionRate),
            exempt: limits.exemptClients + configuration.trustedProxies)
    }
}

extension Server {
    func desk(_ plan: Plan, _ accessLog: LogSink?) -> Desk {
        Desk(
            pools: plan.pools, loops: loops, labels: labels, membership: membership, backends: backends, budget: budget,
            governor: governor, accessLog: accessLog, broker: { [taskFront] in await taskFront.brokerReadings() },
            taskHistory: { [taskFront] in taskFront.historyReadings() },
            cron: { [taskFront] in taskFront.cronReadings() },
            taskWorkers: { [taskWorkers] in taskWorkers.readings() },
            knowledge: { [knowledgeFront] in await knowledgeFront.readings() })
    }

    /// Presses for descriptors, and leaves a census behind when they grow scarce, until the task is cancelled.
    func relieve() async {
        let recorder = CensusRecorder(logger: logger) {
            let (plan, accessLog) = self.live.withLock { ($0.plan, $0.accessLog) }
            return try await StatusEndpoint(self.desk(plan, accessLog)).text()
        }
        async let _ = recorder.run { self.live.withLock { $0.configuration.stateFolder } }
        await Relief(governor: governor, loops: loops) { recorder.knock() }.run()
    }
}
