package import Logging
package import MartletExchange
package import MartletLogic
import Synchronization

/// Tells what happens to targets: to the log, and to the requests that wait for a target which is lost.
package final class PoolWatcher: PoolObserver {
    private let logger: Logger
    private let loops: LoopTable

    package init(loops: LoopTable, logger: Logger) {
        self.loops = loops
        self.logger = logger
    }

    package func pool(_ pool: Pool, target: Target, changed change: TargetChange) {
        let metadata: Logger.Metadata = [
            "pool": "\(pool.name)", "target": "\(target.url)", "from": "\(change.from.text)", "to": "\(change.to.text)",
            "reason": "\(change.to.reason?.text ?? "")",
        ]
        guard let reason = change.to.reason else {
            return logger.notice("target is back", metadata: metadata)
        }
        logger.warning("target is out", metadata: metadata)
        // Checks say that the target is dead. The other reasons leave those alone who wait for a slow answer.
        if reason == .check {
            loops.broadcast { $0.legs?.targetLost(target.id) }
        }
    }

    package func pool(_ pool: Pool, emptied target: Target) {
        logger.notice("target is empty", metadata: ["pool": "\(pool.name)", "target": "\(target.url)"])
    }
}
