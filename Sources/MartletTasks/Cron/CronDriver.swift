import Foundation
import Logging
package import MartletBase
package import MartletLogic
import MartletNet
package import MartletWire
import NIOCore
import Synchronization

/// Hands tasks in again and again, at their times: one server of all that have the same broker does (``CronLeader``).
package final class CronDriver: Sendable {
    private struct State {
        var leader: CronLeader
        var figures: [String: CronFigures.Entry]
        var isInTrouble = false
    }

    /// Times that were passed over are counted up to this.
    private static let mostCounted = 10_000

    private let tasks: [String: CronTask]
    private let entries: [String: CronEntry]
    private let desk: TaskDesk
    private let book: CronBook
    private let state: Mutex<State>

    /// - Parameters:
    ///   - desk: Its broker has the leader; it must outlive this.
    ///   - name: of this server, for people.
    package init(_ tasks: [CronTask], desk: TaskDesk, name: String, now: TaskTime = .current) {
        self.tasks = Dictionary(tasks.map { ($0.name, $0) }) { $1 }
        let date = Date(timeIntervalSince1970: Double(now.wall) / 1000)
        let entries = self.tasks.mapValues { $0.entry(now: date) }
        self.entries = entries
        self.desk = desk
        let broker = desk.broker
        let link = BrokerLink(broker.url, on: broker.loop, times: broker.times, logger: desk.logger)
        book = CronBook(
            link: link, name: name,
            entries: self.tasks.mapValues { $0.note(queue: desk.queue(of: $0.submission)).text })
        state = Mutex(
            State(
                leader: CronLeader(entries: Array(entries.values), now: now.instant),
                figures: entries.mapValues { CronFigures.Entry(name: $0.name) }))
    }

    /// Does its work until the task is cancelled; then somebody else has to wait for the lease's end, unless
    /// ``close()`` follows.
    package func run() async {
        while !Task.isCancelled {
            let wake = await turn()
            let now = Instant.current
            if wake > now { try? await Task.sleep(for: min(wake - now, .seconds(60))) }
        }
    }

    /// Gives the lease back and ends the connection.
    package func close() async {
        for case .release(let token) in state.withLock({ $0.leader.stop() }) { try? await book.release(token) }
        book.link.close()
    }

    /// Does all that is to be done now, and says when the next time is.
    @discardableResult
    func turn(_ clock: () -> TaskTime = { .current }) async -> Instant {
        var actions = state.withLock { $0.leader.woken(now: clock()) }
        while !actions.isEmpty {
            actions += await carryOut(actions.removeFirst(), clock)
        }
        return state.withLock { $0.leader.nextWake(now: clock()) }
    }

    private func carryOut(_ action: CronAction, _ clock: () -> TaskTime) async -> [CronAction] {
        let sent = clock()
        switch action {
        case .acquire:
            let lease = state.withLock { $0.leader.lease }
            let grant = await trying { try await book.acquire(lease, now: sent.wall) } ?? nil
            if let grant { desk.logger.info("leads in cron", metadata: ["fence": "\(grant.token)"]) }
            return state.withLock { state in
                state.leader.acquired(
                    token: grant?.token, lasts: grant?.lasts ?? [:], sentAt: sent.instant, now: clock())
            }
        case .renew(let token):
            let lease = state.withLock { $0.leader.lease }
            guard let isOurs = await trying({ try await book.renew(token, lease) }) else { return [] }
            return state.withLock { state in
                state.leader.renewed(token: token, isOurs: isOurs, sentAt: sent.instant, now: clock())
            }
        case .fire(let firing, let token):
            let result = await trying { try await fire(firing, token, now: sent.wall) } ?? .failed
            return state.withLock { $0.leader.fired(firing, result, now: clock()) }
        case .release(let token):
            await trying { try await book.release(token) }
            return []
        }
    }

    private func fire(_ firing: CronFiring, _ token: Int64, now: Int64) async throws -> FiringResult {
        guard let task = tasks[firing.name], let times = entries[firing.name]?.times else { return .failed }
        let submission = task.submission(at: now)
        let queue = desk.queue(of: submission)
        let ids = firing.times.map(firing.taskID)
        var commands: [[ByteBuffer]] = []
        if !ids.isEmpty {
            // One command for all: the broker takes them all or none.
            let messages = try ids.map { try desk.message(of: submission, $0, to: queue, now: now) }
            commands = [
                command("LPUSH", QueueLists.key(queue, priority: submission.priority)) + messages,
                TaskDesk.declaring(queue),
            ]
            commands += ids.map { desk.remembering(submission, $0, queue, now) }
            commands += firing.times.suffix(1).map { command("HSET", CronBook.runsKey, firing.name, "\($0)") }
        }
        let result = try await book.fire(firing, token, commands)
        guard result == .done else { return result }
        for id in ids { desk.sent(submission, id, to: queue, now: now) }
        let due = firing.previous.map { times.count(after: $0, through: firing.last, limit: Self.mostCounted) }
        state.withLock { state in
            state.figures[firing.name]?.runs += UInt64(ids.count)
            state.figures[firing.name]?.missed += UInt64(max(0, (due ?? 0) - ids.count))
        }
        return result
    }

    /// nil: it did not succeed, which is logged once.
    @discardableResult
    private func trying<Value>(_ body: () async throws -> Value) async -> Value? {
        do {
            let value = try await body()
            state.withLock { $0.isInTrouble = false }
            return value
        } catch {
            let isNew = state.withLock { state in
                defer { state.isInTrouble = true }
                return !state.isInTrouble
            }
            if isNew, !Task.isCancelled {
                desk.logger.warning("cron cannot be kept", metadata: ["error": "\(error)"])
            }
            return nil
        }
    }

    // MARK: Looking

    package func figures(now: Instant = .current) -> CronFigures {
        state.withLock { state in
            CronFigures(
                isLeader: state.leader.token(now: now) != nil,
                entries: state.figures.values.sorted { $0.name < $1.name })
        }
    }

    /// `{"leader", "leads", "entries": [{"name", "last_run", "next_run", …}]}`, of what is configured here.
    package func look(now: Int64 = TaskDesk.nowMilliseconds) async throws -> JSONValue {
        let configured = tasks.values.compactMap { task in entries[task.name].map { (task, $0.times) } }
        var look = try await desk.cron(configured, now: now)
        look["leads"] = .bool(figures().isLeader)
        return look
    }

    /// Hands in the task of an entry now; its times stay as they are. nil: no such entry is configured here.
    package func run(_ name: String, now: Int64 = TaskDesk.nowMilliseconds) async throws -> SubmittedTask? {
        guard let task = tasks[name] else { return nil }
        return try await desk.submit(task.submission(at: now))
    }
}
