import MartletBase
import MartletConsole
import MartletExchange
import MartletTasks
import MartletWire

/// `/cron`: the tasks that are handed in again and again, when each ran last and when it runs next;
/// `/cron/NAME/run`: hands one in now.
final class CronEndpoint: LocalHandler {
    static let path = "/cron"

    private let cron: CronDriver

    init(_ cron: CronDriver) {
        self.cron = cron
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        let parts = try request.parts(after: Self.path)
        switch (parts.count, parts.dropFirst()) {
        case (0, _):
            try request.must(be: .get)
            return .json(try await cron.look().text)
        case (2, ["run"]):
            try request.must(be: .post)
            try request.mayChange()
            guard let task = try await cron.run(parts[0]) else {
                throw MartletError(.notFound, cause: "cron has no entry `\(parts[0].prefix(64))`")
            }
            return TasksEndpoint.answer(task)
        default: throw MartletError(.notFound)
        }
    }
}
