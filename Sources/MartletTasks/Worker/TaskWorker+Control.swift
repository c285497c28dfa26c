import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// What is asked of a worker while it works.
extension TaskWorker {
    /// Where revocations are kept, by when they end: what is revoked stays so after a restart.
    private var revocationsKey: String { broker.keyed("martlet.revoked") }

    // MARK: Revocations

    /// What was revoked before this worker came.
    func recallRevocations() async throws {
        let now = TaskTime.current
        let answers = try await broker.accepted([
            command("ZREMRANGEBYSCORE", revocationsKey, "-inf", "(\(now.wall)"),
            command("ZRANGE", revocationsKey, "0", "-1", "WITHSCORES"),
        ])
        heardFromBroker(took: false)
        let known = Self.revocations(answers.last?.elements ?? [])
        guard !known.isEmpty else { return }
        change { state, now in state.desk.adopt(revocations: known, now: now) }
    }

    /// Members with their scores: in pairs, or by turns as the second version of RESP says them.
    private static func revocations(_ elements: [RESPValue]) -> [(id: String, expires: Int64)] {
        let flat = elements.flatMap { $0.elements.isEmpty ? [$0] : $0.elements }
        return stride(from: 0, to: flat.count - 1, by: 2).compactMap { index in
            guard let id = flat[index].string, let end = number(flat[index + 1]) else { return nil }
            return (id, Int64(clamping: end))
        }
    }

    private static func number(_ value: RESPValue) -> Double? {
        switch value {
        case .double(let number): number
        case .integer(let number): Double(number)
        default: value.string.flatMap { Double($0) }
        }
    }

    /// The tasks are not to be run. Those that run here: they are ended when `terminate` says so.
    func revoke(_ ids: [String], terminate: Bool) async -> [String] {
        var running: Set<String> = []
        change { state, now in
            running = Set(state.desk.active.map(\.arrival.task)).intersection(ids)
            return state.desk.revoke(ids, terminate: terminate, now: now)
        }
        await keep(revoked: ids)
        await storeRevoked(ids.filter { !running.contains($0) })
        return terminate ? ids.filter(running.contains) : []
    }

    /// Whether something ran that bears one of the stamps.
    func revoke(stamps: [String: [String]], terminate: Bool) -> Bool {
        var found = false
        for (header, values) in stamps.sorted(by: { $0.key < $1.key }) {
            change { state, now in
                found = found || state.desk.active.contains { task in
                    task.arrival.stamps[header].map { !Set($0).isDisjoint(with: values) } ?? false
                }
                return state.desk.revoke(stamp: header, values, terminate: terminate, now: now)
            }
        }
        return found
    }

    /// What other workers know to be revoked.
    func learn(revoked ids: [String]) {
        guard !ids.isEmpty else { return }
        change { state, now in
            let end = now.wall + settings.desk.revocations.expiresMilliseconds
            return state.desk.adopt(revocations: ids.map { ($0, end) }, now: now)
        }
    }

    private func keep(revoked ids: [String]) async {
        let end = TaskTime.current.wall + settings.desk.revocations.expiresMilliseconds
        guard !ids.isEmpty else { return }
        do {
            try await broker.accepted([
                command(["ZADD", revocationsKey] + ids.flatMap { [String(end), $0] }),
                command(
                    "ZREMRANGEBYRANK", revocationsKey, "0", "-\(settings.desk.revocations.maximum + 1)"),
            ])
        } catch {
            logger.warning("revocations are not kept", metadata: ["error": "\(error)", "tasks": "\(ids.count)"])
        }
    }

    /// Whoever waits for a task that nobody has begun hears at once that it will not be run.
    private func storeRevoked(_ ids: [String]) async {
        for id in ids {
            do {
                let state = try await ledger.state(of: id)
                guard [.pending, .received, .retry, .rejected].contains(state) else { continue }
                try await results.store(books.stored(.revoked(id: id, "revoked")))
            } catch {
                logger.debug("a revocation was not stored", metadata: ["id": "\(id)", "error": "\(error)"])
            }
        }
    }

    // MARK: Slots and queues

    func resizeExecutors(to slots: Int) async {
        for executor in executors { await executor.resize(to: slots) }
    }

    /// So many slots from now on: what a scaler wants. Under `--autoscale` within its bounds.
    ///
    /// - Parameter least: Instead of the lower one of them.
    package func resize(to slots: Int, least: Int? = nil) async {
        change { state, now in state.desk.resize(to: slots, least: least, now: now) }
        await resizeExecutors(to: state.withLock { $0.desk.slots })
    }

    func queuesChanged() {
        interest.notify()
        room.notify()
    }

    /// Each worker that hears of an election calls it, and so is a candidate.
    func callElection(_ arguments: ControlArguments) {
        guard let id = arguments.text("id") else { return }
        gossip.call(id)
        events.other(
            TaskEvent(
                type: "worker-elect",
                fields: RawObject([
                    ("id", RawJSON(id)), ("topic", RawJSON(arguments["topic"] ?? .null)),
                    ("action", RawJSON(arguments["action"] ?? .null)), ("cver", RawJSON(.integer(1))),
                ])))
    }
}

/// A command of the broker's.
func command(_ words: [String]) -> [ByteBuffer] { words.map { ByteBuffer(string: $0) } }
