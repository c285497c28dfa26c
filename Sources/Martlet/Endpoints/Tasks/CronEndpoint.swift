import MartletBase
import MartletConsole
import MartletExchange
import MartletTasks
import MartletWire

/// `/cron`: the tasks that are handed in again and again, when each ran last and when it runs next.
final class CronEndpoint: LocalHandler {
    static let path = "/cron"

    private let cron: CronDriver

    init(_ cron: CronDriver) {
        self.cron = cron
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        return .json(try await cron.look().text)
    }
}
