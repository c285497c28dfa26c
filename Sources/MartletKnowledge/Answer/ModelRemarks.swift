package import Logging
package import MartletBase
import MartletLogic
import MartletNet
import Synchronization

/// Says in the log why answers had to do without their model: each kind of trouble once a minute, however many ask.
package final class ModelRemarks: Sendable {
    private static let pause = Duration.seconds(60)

    private let logger: Logger
    private let standard: String
    private let now: @Sendable () -> Instant
    private let said = Mutex<[ModelTrouble: Instant]>([:])

    /// - Parameters:
    ///   - standard: The model that questions mean which name none.
    ///   - now: A clock, for tests.
    package init(_ logger: Logger, standard: String, now: @escaping @Sendable () -> Instant = { .current }) {
        (self.logger, self.standard, self.now) = (logger, standard, now)
    }

    /// - Parameters:
    ///   - model: As the question names it; nil: it names none.
    ///   - reason: What the model's call said; empty: nothing.
    func note(_ trouble: ModelTrouble, of model: String?, _ reason: String) {
        let now = now()
        let isNew = said.withLock { said in
            if let last = said[trouble], now - last < Self.pause { return false }
            said[trouble] = now
            return true
        }
        guard isNew else { return }
        logger.warning(
            "an answer does without its model",
            metadata: [
                "code": "\(trouble.rawValue)", "model": "\((model ?? standard).prefix(200))",
                "reason": "\(reason.prefix(500))",
            ])
    }
}
