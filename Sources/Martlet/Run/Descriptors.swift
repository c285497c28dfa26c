import Logging
import MartletBase
import MartletGateway
import MartletLogic
import MartletNet
import MartletWorkers

extension Governor {
    /// Shares out what the process may open. After the event loops exist, and before anything listens.
    convenience init(_ configuration: Configuration, logger: Logger) throws {
        let limit = try OpenFiles.limit().soft
        let instances = configuration.backends.reduce(0) { $0 + $1.instances }
        // What is open already, listeners, the two pipes of each managed backend and what watches it.
        let standing = (OpenFiles.count() ?? 16) + configuration.listen.count + 1 + 4 * instances
        self.init(limit: limit, standing: standing)
        let budget = FileBudget(limit: limit, standing: standing)
        logger.info(
            "descriptors shared out",
            metadata: [
                "limit": "\(limit)", "clients": "\(budget.clients)", "upstreams": "\(budget.upstreams)",
                "other": "\(budget.other)", "reserve": "\(budget.reserve)",
            ])
    }
}
