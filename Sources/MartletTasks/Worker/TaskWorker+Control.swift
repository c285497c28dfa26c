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
    private var revocationsKey: String { broker.keyed(TaskDesk.revokedKey) }
    /// Revoked stamps, as `[header, value]`, by when they were revoked last.
    private var stampsKey: String { broker.keyed(TaskDesk.revokedKey + ".stamps") }

    // MARK: Revocations

    /// What was revoked before this worker came.
    func recallRevocations() async throws {
        let now = TaskTime.current
        let answers = try await broker.accepted([
            command("ZREMRANGEBYSCORE", revocationsKey, "-inf", "(\(now.wall)"),
            command("ZRANGE", revocationsKey, "0", "-1", "WITHSCORES"), command("ZRANGE", stampsKey, "0", "-1"),
        ])
        heardFromBroker(took: false)
        let known = Self.revocations(answers[1].elements)
        if !known.isEmpty { change { state, now in state.desk.adopt(revocations: known, now: now) } }
        for stamp in answers[2].elements {
            guard let bytes = stamp.bytes, let pair = try? RawJSON(Array(buffer: bytes)).elements, pair.count == 2,
                let header = pair[0].string, let value = pair[1].string
            else { continue }
            change { state, now in state.desk.revoke(stamp: header, [value], terminate: false, now: now) }
        }
    }

    /// What was revoked while the broker could not be heard: until it is known the worker asks again.
    func recallMissedRevocations() async {
        var pause = Pause()
        while !Task.isCancelled {
            do {
                return try await recallRevocations()
            } catch {
                logger.debug("revocations were not recalled", metadata: ["error": "\(error)"])
                await pause.wait()
            }
        }
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
    func revoke(stamps: [String: [String]], terminate: Bool) async -> Bool {
        var found = false
        for (header, values) in stamps.sorted(by: { $0.key < $1.key }) {
            change { state, now in
                found = found || state.desk.active.contains { task in
                    task.arrival.stamps[header].map { !Set($0).isDisjoint(with: values) } ?? false
                }
                return state.desk.revoke(stamp: header, values, terminate: terminate, now: now)
            }
        }
        await keep(stamps: stamps)
        return found
    }

    private func keep(stamps: [String: [String]]) async {
        let now = String(TaskTime.current.wall)
        let members = stamps.flatMap { header, values in
            values.map { JSONValue.array([.string(header), .string($0)]).text }
        }
        await keep(members.flatMap { [now, $0] }, in: stampsKey)
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
        await keep(ids.flatMap { [String(end), $0] }, in: revocationsKey)
    }

    /// Adds to a sorted set, of which the first are forgotten when there are too many.
    private func keep(_ scoresAndMembers: [String], in key: String) async {
        guard !scoresAndMembers.isEmpty else { return }
        do {
            try await broker.accepted([
                command(["ZADD", key] + scoresAndMembers),
                command("ZREMRANGEBYRANK", key, "0", "-\(settings.desk.revocations.maximum + 1)"),
            ])
        } catch {
            let count = scoresAndMembers.count / 2
            logger.warning("revocations are not kept", metadata: ["error": "\(error)", "revocations": "\(count)"])
        }
    }

    /// Whoever waits for a task that nobody has begun hears at once that it will not be run.
    private func storeRevoked(_ ids: [String]) async {
        for id in ids {
            do {
                let state = try await ledger.state(of: id)
                guard [.pending, .received, .retry, .rejected].contains(state) else { continue }
                // It may begin or end meanwhile.
                let news = StateNews(
                    books.stored(.revoked(id: id, "revoked")), keeping: [.success, .failure, .revoked, .started])
                try await results.tell([news])
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
