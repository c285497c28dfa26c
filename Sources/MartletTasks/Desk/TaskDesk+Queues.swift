import Logging
import MartletBase
import MartletLogic
import MartletWire
import NIOCore
import Synchronization

// How queues stand.
extension TaskDesk {
    /// More queues are not looked at by themselves; asked for by name they are.
    private static let mostQueues = 500
    /// Reserved messages that are told apart by queue.
    private static let mostReserved = 1000
    private static let pace: Duration = .seconds(1)
    /// Exchanges of remote control and events: nobody's work.
    private static let ownExchanges: Set = ["celery.pidbox", "reply.celery.pidbox", "celeryev"]
    private static let bindings = "_kombu.binding."

    /// The queues that producers declared, in the order of their names.
    package func queueNames() async throws -> [String] {
        var names: Set<String> = []
        var cursor = "0"
        repeat {
            let answers = try await ask([command("SCAN", cursor, "MATCH", Self.bindings + "*", "COUNT", "1000")])
            guard let parts = answers.first?.elements, parts.count == 2 else {
                if case .error(let text)? = answers.first { throw Self.refusal(text) }
                break
            }
            cursor = parts[0].string ?? "0"
            let sets = parts[1].elements.compactMap(\.string).filter { key in
                !Self.ownExchanges.contains(String(key.dropFirst(Self.bindings.count)))
            }
            guard !sets.isEmpty else { continue }
            for members in try await ask(sets.map { command("SMEMBERS", $0) }) {
                names.formUnion(members.elements.compactMap(\.string).compactMap { QueueLists.queue(ofBinding: $0) })
            }
        } while cursor != "0" && names.count < Self.mostQueues
        return Array(names.sorted().prefix(Self.mostQueues))
    }

    /// All queues; as they were a second ago where they were looked at then.
    package func queues() async throws -> [QueueLook] {
        let (latest, time) = queueLooks.withLock { ($0.latest, $0.time) }
        if Self.now - time < 2 * Self.pace.inSeconds { return latest.values.sorted { $0.name < $1.name } }
        return try await look(at: try await queueNames())
    }

    /// One queue, also one that nobody declared: empty then.
    package func queue(_ name: String) async throws -> QueueLook {
        if let known = try await queues().first(where: { $0.name == name }) { return known }
        return try await look(at: [name]).first ?? QueueLook(name: name)
    }

    /// Looks at them once a second: how old the oldest message is shows only over time.
    func lookAtQueues() async {
        var isInTrouble = false
        while !Task.isCancelled {
            do {
                let looks = try await look(at: try await queueNames())
                queueLooks.withLock { memory in
                    memory.latest = Dictionary(uniqueKeysWithValues: looks.map { ($0.name, $0) })
                    memory.time = Self.now
                    let keys = Set(looks.flatMap { QueueLists.keys($0.name) })
                    memory.ages = memory.ages.filter { keys.contains($0.key) }
                }
                isInTrouble = false
            } catch is CancellationError {
                return
            } catch {
                if !isInTrouble { logger.warning("queues cannot be looked at", metadata: ["error": "\(error)"]) }
                isInTrouble = true
            }
            try? await Task.sleep(for: Self.pace)
        }
    }

    private func look(at names: [String]) async throws -> [QueueLook] {
        guard !names.isEmpty else { return [] }
        let reserved = try await reservedByQueue()
        let scheduled = try await scheduledCounts()
        let dead = try await lengths(of: names.map(QueueLists.deadLetters))
        let lengths = try await lengths(of: names.flatMap(QueueLists.keys))
        let keys = names.flatMap(QueueLists.keys)
        let ages = try await ages(of: zip(keys, lengths).filter { $0.1 > 0 }.map(\.0), empty: keys)
        let now = Self.now
        return names.enumerated().map { index, name in
            var look = QueueLook(name: name)
            look.waitingByStep = Array(lengths[(index * 4)..<(index * 4 + 4)])
            look.oldestSeconds = QueueLists.keys(name).compactMap { ages[$0] }.max() ?? 0
            look.deadLetters = dead[index]
            look.scheduled = QueueLists.keys(name).reduce(0) { $0 + (scheduled[$1] ?? 0) }
            look.reserved = reserved.map { $0[name] ?? 0 }
            chronicle.withLock { chronicle in
                look.pace = chronicle.pace(of: name, now: now)
                look.running = chronicle.running(on: name)
            }
            return look
        }
    }

    /// How many messages of each queue workers have taken; nil: too many to say.
    private func reservedByQueue() async throws -> [String: Int]? {
        guard let count = try await ask([command("HLEN", "unacked")]).first?.wholeNumber,
            count <= Self.mostReserved
        else { return nil }
        guard count > 0 else { return [:] }
        let notes = try await ask([command("HVALS", "unacked")]).first?.elements ?? []
        return notes.reduce(into: [:]) { counts, note in
            guard let bytes = note.bytes, let taken = CeleryReservation(Array(buffer: bytes)) else { return }
            counts[taken.routingKey, default: 0] += 1
        }
    }

    // MARK: Ages

    /// Looks at the newest message of each list, and for those that were noted before.
    private func ages(of keys: [String], empty all: [String]) async throws -> [String: Double] {
        let now = Self.now
        var ages = queueLooks.withLock { $0.ages }
        for key in all where ages[key] == nil { ages[key] = QueueAge(now: now) }
        for key in Set(all).subtracting(keys) { _ = ages[key]?.look(newest: nil, isMarkerThere: false, now: now) }
        var waiting = keys
        while !waiting.isEmpty {
            let asked = waiting.map { key -> [[ByteBuffer]] in
                let newest = command("LINDEX", key, "0")
                guard let marker = ages[key]?.marker else { return [newest] }
                return [newest, command("LPOS", key) + [ByteBuffer(bytes: marker)]]
            }
            var answers = try await ask(asked.flatMap { $0 })[...]
            waiting = zip(waiting, asked).compactMap { key, commands -> String? in
                let own = answers.prefix(commands.count)
                answers = answers.dropFirst(commands.count)
                let newest = own.first?.bytes.map { Array(buffer: $0) }
                let isThere = commands.count > 1 && own.last?.wholeNumber != nil
                return ages[key]?.look(newest: newest, isMarkerThere: isThere, now: now) == true ? key : nil
            }
        }
        queueLooks.withLock { $0.ages = ages }
        return ages.mapValues(\.seconds)
    }
}
