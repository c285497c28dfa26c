import MartletBase
import Testing

@testable import MartletLogic

/// Producers, workers that die, restarts: whatever happens, each message is somewhere, and the disk knows what memory
/// does.
@Suite struct RandomQueueTests {
    @Test(arguments: 0..<40) func nothingIsLost(seed: UInt64) {
        var life = QueueLife(seed: seed)
        for _ in 0..<300 { life.step() }
        life.end()
    }
}

private struct QueueLife {
    private struct Worker {
        var popping: Int64
        var noting: Int64
        var taken: [String: String] = [:]
        var isWaiting = false
    }

    private var random: SplitMix64
    private let bench = BrokerBench { $0.maximumDeliveries = 4 }
    private var workers: [Worker] = []
    private var nextID: Int64 = 100
    private var nextTag = 0
    private var sent: Set<String> = []
    private var done: Set<String> = []

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        bench.bind("q")
        for _ in 0..<3 { addWorker() }
    }

    mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: send()
        case 30..<65: pop()
        case 65..<85: acknowledge()
        case 85..<93: kill()
        case 93..<99: hear(bench.pass(milliseconds: Int64.random(in: 0..<2000, using: &random)))
        default: restart()
        }
    }

    /// All that was sent and not done is in the queue, kept back, or put aside, once no worker is left.
    mutating func end() {
        while !workers.isEmpty { kill(replace: false) }
        hear(bench.pass(milliseconds: 1_000_000))
        for _ in 0..<5 { hear(bench.pass(milliseconds: 0)) }
        let left = (bench.list("q") + bench.list("q.dead")).map(Self.tag)
        #expect(left.count == Set(left).count, "twice in the queue")
        #expect(Set(left).union(done) == sent, "lost")
        #expect(bench.answer(1, "HLEN unacked") == .integer(0))
        #expect(bench.machine.impossible.count == 0)
        var places: [Mutation] = []
        bench.machine.keyspace.forEachMutation { places.append($0) }
        var disk: [Mutation] = []
        bench.disk.forEachMutation { disk.append($0) }
        #expect(places.count == disk.count)
    }

    private static func tag(_ message: String) -> String {
        String(message.dropFirst().prefix { $0 != "," })
    }

    private mutating func addWorker() {
        workers.append(Worker(popping: nextID, noting: nextID + 1))
        nextID += 2
    }

    private mutating func send() {
        nextTag += 1
        let eta = Bool.random(using: &random) ? 0 : bench.now + Int64.random(in: 0..<5000, using: &random)
        sent.insert("t\(nextTag)")
        hear(bench.say(1, "LPUSH q {t\(nextTag),task\(nextTag),\(eta)}"))
    }

    private mutating func pop() {
        guard let index = workers.indices.randomElement(using: &random), !workers[index].isWaiting else { return }
        workers[index].isWaiting = true
        hear(bench.say(workers[index].popping, "BRPOP q 1"))
    }

    /// What workers are told: most write down what they were given, some are gone before.
    private mutating func hear(_ effects: [BrokerEffect]) {
        // Pops are told at once.
        for case .tell(let client, let answer, _) in effects {
            guard let index = workers.firstIndex(where: { $0.popping == client.rawValue }) else { continue }
            workers[index].isWaiting = false
            guard case .array(let words) = answer, let message = words.last?.asBytes?.text else { continue }
            guard Int.random(in: 0..<10, using: &random) > 0 else {
                kill(index)
                continue
            }
            bench.note(Self.tag(message), message, by: workers[index].noting)
            workers[index].taken[Self.tag(message)] = message
        }
    }

    private mutating func acknowledge() {
        guard let index = workers.indices.randomElement(using: &random),
            let tag = workers[index].taken.keys.sorted().randomElement(using: &random)
        else { return }
        workers[index].taken[tag] = nil
        bench.acknowledge(tag, by: workers[index].noting)
        done.insert(tag)
    }

    private mutating func kill(_ index: Int? = nil, replace: Bool = true) {
        guard let index = index ?? workers.indices.randomElement(using: &random) else { return }
        let worker = workers.remove(at: index)
        if replace { addWorker() }
        for id in [worker.popping, worker.noting].shuffled(using: &random)
        where bench.machine.clients[ClientID(id)] != nil {
            hear(bench.leave(id))
        }
    }

    /// The broker ends; its workers too, or they come back and go on with what they have.
    private mutating func restart() {
        bench.restart()
        for index in workers.indices {
            workers[index].popping = nextID
            workers[index].noting = nextID + 1
            nextID += 2
            workers[index].isWaiting = false
            if Bool.random(using: &random) { workers[index].taken = [:] }
        }
    }
}
