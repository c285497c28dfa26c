import Foundation
package import Logging
import MartletBase
import MartletLogic
import MartletWire
import NIOCore
import Synchronization

/// Where people and programs hand tasks in, ask what became of them, call them off and look after queues: what REST,
/// the command line and the console have in common. The workers may be Martlet's or Celery's.
///
/// What it answers comes from the broker; what only events tell (progress through workers, rates) from a bounded
/// memory, and what that has forgotten from a history in a file, where there is one.
package final class TaskDesk: Sendable {
    let broker: TaskBroker
    /// Where results are: Celery apps may keep them elsewhere.
    let results: TaskBroker
    package let settings: TaskDeskSettings
    let logger: Logger
    let chronicle: Mutex<TaskChronicle>
    let history: TaskHistory?
    let watch: ResultWatch
    let search: TaskSearch
    let queueLooks = Mutex(QueueLooks())
    let webhooks: any WebhookSender
    let webhookLine = Mutex(WebhookLine())
    /// Events that came faster than they could be read.
    let lostEvents = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - broker: Shared with others; its owner closes it.
    ///   - results: Where results are; nil: at the broker.
    ///   - history: Keeps what became of tasks; nil: nothing does.
    ///   - webhooks: Tells those who asked to be told that a task ended.
    package init(
        broker: TaskBroker, results: TaskBroker? = nil, settings: TaskDeskSettings = TaskDeskSettings(),
        history: TaskHistory? = nil, webhooks: any WebhookSender = NoWebhooks(), logger: Logger
    ) {
        self.broker = broker
        self.results = results ?? broker
        self.settings = settings
        self.history = history
        chronicle = Mutex(TaskChronicle(isKept: history != nil))
        self.webhooks = webhooks
        self.logger = logger
        watch = ResultWatch(limit: settings.waiters)
        search = TaskSearch(limit: settings.waiters)
    }

    /// Listens to workers, looks at queues and tells those who asked to be told, until the task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.watch.run(self.results) }
            group.addTask { await self.lookAtQueues() }
            group.addTask { await self.tellWebhooks() }
            group.addTask { await self.history?.run(for: self) }
            if settings.watchesEvents {
                group.addTask { await self.hearEvents() }
                group.addTask { await self.askForEvents() }
            }
        }
    }

    /// Sends commands as one transaction, and answers what each of them answered.
    ///
    /// - Throws: the first refusal; the others may have been carried out.
    @discardableResult
    func transaction(_ commands: [[ByteBuffer]], at place: TaskBroker? = nil) async throws -> [RESPValue] {
        let answers = try await ask([command("MULTI")] + commands + [command("EXEC")], at: place)
        for case .error(let text) in answers { throw Self.refusal(text) }
        let results = answers.last?.elements ?? []
        for case .error(let text) in results { throw Self.refusal(text) }
        return results
    }

    /// Sends commands together, and answers what each of them answered, refusals included.
    ///
    /// - Parameter place: nil: the broker.
    func ask(_ commands: [[ByteBuffer]], at place: TaskBroker? = nil) async throws -> [RESPValue] {
        do {
            return try await (place ?? broker).run(commands)
        } catch let error as MartletError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw MartletError(.noTarget, operation: "the task broker", cause: "\(error)")
        }
    }

    /// The broker's own words, for whoever asked.
    static func refusal(_ text: String) -> MartletError {
        let code: ErrorCode = text.hasPrefix("OOM") ? .overloaded : .upstreamMalformed
        return MartletError(code, operation: "the task broker", cause: text)
    }

    /// Notes what was done to a task here.
    func note(_ news: TaskNews) {
        chronicle.withLock { $0.apply(news, now: Self.now) }
        watch.tell(news.id)
    }

    /// In seconds since 1970.
    static var now: Double { Date().timeIntervalSince1970 }
    package static var nowMilliseconds: Int64 { Int64(now * 1000) }
}
