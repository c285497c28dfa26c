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
    private static let mostReserved = 200
    /// Pages of keys that are gone through for queues.
    private static let mostPages = 500
    /// For so many seconds the queues are those that were found.
    private static let declarationsHold = 15.0
    /// Exchanges of remote control and events: nobody's work.
    private static let ownExchanges: Set = ["celery.pidbox", "reply.celery.pidbox", "celeryev"]

    /// The queues that producers declared, in the order of their names; as they were some moments ago.
    package func queueNames() async throws -> [String] {
        let numbers = try await numbers()
        return try await names(numbers)
    }

    private func names(_ numbers: [String: BrokerNumbers]) async throws -> [String] {
        // A name that `INFO` cannot tell has a question mark there.
        if !numbers.isEmpty, !numbers.keys.contains(where: { $0.contains("?") }) { return numbers.keys.sorted() }
        let (known, time, submissions) = queueLooks.withLock { ($0.declared, $0.declaredTime, $0.submissions) }
        if Self.now - time < Self.declarationsHold { return known }
        let names = try await declaredQueues()
        queueLooks.withLock { looks in
            looks.declared = names
            looks.declaredTime = looks.submissions == submissions ? Self.now : 0
        }
        return names
    }

    /// Goes through all keys: the queues are in sets, one for each exchange.
    private func declaredQueues() async throws -> [String] {
        var names: Set<String> = []
        var cursor = "0"
        var pages = 0
        repeat {
            let answers = try await ask([command("SCAN", cursor, "MATCH", QueueBinding.key("*"), "COUNT", "1000")])
            guard let parts = answers.first?.elements, parts.count == 2 else {
                if case .error(let text)? = answers.first { throw Self.refusal(text) }
                break
            }
            cursor = parts[0].string ?? "0"
            pages += 1
            let sets = parts[1].elements.compactMap(\.string).filter { key in
                QueueBinding.exchange(of: key).map { !Self.ownExchanges.contains($0) } ?? false
            }
            guard !sets.isEmpty else { continue }
            for members in try await ask(sets.map { command("SMEMBERS", $0) }) {
                names.formUnion(members.elements.compactMap(\.string).compactMap { QueueBinding.parts(of: $0)?.queue })
            }
        } while cursor != "0" && names.count < Self.mostQueues && pages < Self.mostPages
        return Array(names.sorted().prefix(Self.mostQueues))
    }

    /// What Martlet's broker counts itself; empty where it is a Redis server.
    private func numbers() async throws -> [String: BrokerNumbers] {
        let answer = try await ask([command("INFO", "queues")]).first
        if case .error(let text)? = answer { throw Self.refusal(text) }
        return BrokerNumbers.read(answer?.string ?? "", database: settings.database)
    }

    /// All queues; as they were a second ago where they were looked at then and nothing was handed in here since.
    package func queues() async throws -> [QueueLook] {
        let (latest, time) = queueLooks.withLock { looks in
            looks.asked = Self.now
            return (looks.latest, looks.time)
        }
        if Self.now - time < 2 { return latest.values.sorted { $0.name < $1.name } }
        let numbers = try await numbers()
        return try await look(at: try await names(numbers), numbers)
    }

    /// One queue, also one that nobody declared: empty then.
    package func queue(_ name: String) async throws -> QueueLook {
        if let known = try await queues().first(where: { $0.name == name }) { return known }
        return try await look(at: [name], try await numbers()).first ?? QueueLook(name: name)
    }

    /// Looks at them all the time: how old the oldest message of a Redis server is shows only so. Seldom while nobody
    /// wants to know.
    func lookAtQueues() async {
        var isInTrouble = false
        while !Task.isCancelled {
            do {
                let submissions = queueLooks.withLock { $0.submissions }
                let numbers = try await numbers()
                let looks = try await look(at: try await names(numbers), numbers)
                queueLooks.withLock { memory in
                    memory.latest = Dictionary(looks.map { ($0.name, $0) }) { $1 }
                    memory.time = memory.submissions == submissions ? Self.now : 0
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
            let isWanted = Self.now - queueLooks.withLock { $0.asked } < 60
            try? await Task.sleep(for: isWanted ? .seconds(1) : .seconds(5))
        }
    }

    private func look(at names: [String], _ numbers: [String: BrokerNumbers]) async throws -> [QueueLook] {
        guard !names.isEmpty else { return [] }
        let keys = names.flatMap(QueueLists.keys)
        let lengths = try await lengths(of: keys)
        let counted = try await numbers.isEmpty ? count(names, keys, lengths) : numbers
        let now = Self.now
        return names.enumerated().map { index, name in
            var look = QueueLook(name: name)
            look.waitingByStep = Array(lengths[(index * 4)..<(index * 4 + 4)])
            let own = counted[BrokerNumbers.shown(name)] ?? BrokerNumbers()
            look.oldestSeconds = look.waiting > 0 ? own.oldestSeconds : 0
            look.deadLetters = own.dead
            look.reserved = own.taken < 0 ? nil : own.taken
            look.scheduled = own.delayed
            chronicle.withLock { chronicle in
                look.pace = chronicle.pace(of: name, now: now)
                look.running = chronicle.running(on: name)
            }
            return look
        }
    }

    // MARK: A Redis server

    /// What Martlet's broker would say. Fewer than none are taken where there are too many to tell.
    func count(_ names: [String], _ keys: [String], _ lengths: [Int]) async throws -> [String: BrokerNumbers] {
        let reserved = try await reservedByQueue()
        let dead = try await self.lengths(of: names.map(QueueLists.deadLetters))
        let ages = try await ages(of: zip(keys, lengths).filter { $0.1 > 0 }.map(\.0), empty: keys)
        var numbers: [String: BrokerNumbers] = [:]
        for (name, dead) in zip(names, dead) {
            numbers[BrokerNumbers.shown(name)] = BrokerNumbers(
                taken: reserved.map { $0[name] ?? 0 } ?? -1, delayed: 0, dead: dead,
                oldestSeconds: QueueLists.keys(name).compactMap { ages[$0] }.max() ?? 0)
        }
        return numbers
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
