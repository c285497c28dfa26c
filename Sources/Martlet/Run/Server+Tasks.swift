import Foundation
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway

// Where tasks are handed in and asked for.
extension Server {
    /// A task's arguments may be as long as the longest request to a model; a command is short.
    private static let commandBytes = 256 << 10

    /// On the public port, where nothing of the operator's is in the way.
    func taskRoutes(_ plan: Plan, _ configuration: Configuration) -> [Route] {
        guard let desk = taskFront.desk else { return [] }
        let (tasks, queues) = (TasksEndpoint(desk, door: RequestDoor(routes: routes)), QueuesEndpoint(desk))
        let metrics = ExternalMetricsEndpoint(desk)
        var entries: [(path: String, handler: any LocalHandler, bodyLimit: Int)] = [
            (TasksEndpoint.path, tasks, configuration.limits.body), (TaskEndpoint.path, TaskEndpoint(desk), 1 << 10),
            (QueuesEndpoint.path, queues, 0), (QueuesEndpoint.path + "/", queues, Self.commandBytes),
            (AutoscaleEndpoint.path, AutoscaleEndpoint(desk), 0), (ExternalMetricsEndpoint.path, metrics, 0),
            (ExternalMetricsEndpoint.path + "/", metrics, 0),
        ]
        if let cron = taskFront.cron.map({ CronEndpoint($0) }) {
            entries += [(CronEndpoint.path, cron, 0), (CronEndpoint.path + "/", cron, 1 << 10)]
        }
        if plan.apis.isEmpty {
            var document = OpenAPIDocument(title: "Martlet", [], reads: [])
            document.addTasks()
            if knowledgeFront.opened != nil { document.addKnowledge() }
            entries.append(("/openapi.json", AppTextEndpoint(document: document), 0))
        }
        // Whoever hands tasks in has them ask this server's routes: as much as who asks those at once.
        let key = Keyed.key(in: ProcessInfo.processInfo.environment)
        return entries.filter { plan.isFree($0.path) }.map { entry in
            local(
                entry.path, key == nil ? DirectOnly(entry.handler) : entry.handler, bodyLimit: entry.bodyLimit,
                isExact: !entry.path.hasSuffix("/"), key: key)
        }
    }

    /// On the console's port.
    func taskConsoleRoutes(token: Secret?) -> [Route] {
        guard let desk = taskFront.desk else { return [] }
        return [
            local(TasksPage.path, TasksPage()),
            local(
                TasksConsoleEndpoint.path, Guarded(TasksConsoleEndpoint(desk), token: token),
                bodyLimit: Self.commandBytes, isExact: false),
        ]
    }
}
