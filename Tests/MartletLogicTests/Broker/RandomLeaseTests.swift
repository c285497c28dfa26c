import MartletBase
import Testing

@testable import MartletLogic

/// Workers of Martlet's that die, stand still, come back too late, and restarts of the broker: each message is in one
/// place, nobody finishes twice, and the disk knows what memory does.
@Suite struct RandomLeaseTests {
    @Test(arguments: 0..<40) func eachMessageIsFinishedOnce(seed: UInt64) {
        var life = LeaseLife(seed: seed)
        for _ in 0..<300 { life.step() }
        life.end()
    }
}

private struct LeaseLife {
    private struct Held {
        var tag: String
        var lease: Int64
        var message: String
    }

    private struct Worker {
        var id: Int64
        var held: [Held] = []
    }

    private static let done = Answer.array([.integer(1)])

    private var random: SplitMix64
    private let bench = BrokerBench { ($0.maximumDeliveries, $0.failuresBeforeDelay) = (6, 4) }
    private var workers: [Worker] = []
    /// What those think they hold who lost it.
    private var stale: [Held] = []
    private var nextID: Int64 = 100
    private var nextTag = 0
    private var finished: Set<String> = []

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        bench.bind("q")
        for _ in 0..<3 { addWorker() }
    }

    mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: send()
        case 25..<50: take()
        case 50..<68: finish()
        case 68..<74: giveBack()
        case 74..<78: bury()
        case 78..<84: renew()
        case 84..<89: actTooLate()
        case 89..<93: kill()
        case 93..<96: bench.pass(milliseconds: Int64.random(in: 0..<2000, using: &random))
        case 96..<98: standStill()
        default: restart()
        }
    }

    /// What was sent is finished, or waits somewhere, or was put aside: each in one place.
    mutating func end() {
        while !workers.isEmpty { kill(replace: false) }
        for _ in 0..<5 { bench.pass(milliseconds: 1_000_000) }
        let left = (bench.list("q") + bench.list("q.dead")).map(Self.tag)
        #expect(left.count == Set(left).count, "twice")
        #expect(finished.isDisjoint(with: left), "finished, and there")
        #expect(finished.union(left) == Set((0..<nextTag).map { "t\($0)" }), "lost")
        for key in ["unacked", "martlet.leases"] { #expect(bench.answer(1, "HLEN \(key)") == .integer(0)) }
        #expect(bench.answer(1, "ZCARD unacked_index") == .integer(0))
        #expect(bench.machine.impossible.count == 0)
        #expect(bench.machine.keyspace == bench.disk)
    }

    private static func tag(_ message: String) -> String { String(message.dropFirst().prefix { $0 != "," }) }

    private mutating func addWorker() {
        workers.append(Worker(id: nextID))
        nextID += 1
    }

    private mutating func send() {
        let eta = Int.random(in: 0..<4, using: &random) > 0 ? 0 : bench.now + Int64.random(in: 0..<5000, using: &random)
        bench.say(1, "LPUSH q {t\(nextTag),a,\(eta)}")
        nextTag += 1
    }

    private mutating func take() {
        guard let index = workers.indices.randomElement(using: &random),
            let taken = bench.take(Int.random(in: 1...4, using: &random), by: workers[index].id)
        else { return }
        workers[index].held += taken.messages.map { Held(tag: $0.tag, lease: taken.lease, message: $0.message) }
    }

    /// A worker, and something that it holds.
    private mutating func pick() -> (worker: Int64, held: Held)? {
        guard let index = workers.indices.filter({ !workers[$0].held.isEmpty }).randomElement(using: &random)
        else { return nil }
        let held = workers[index].held.remove(at: Int.random(in: workers[index].held.indices, using: &random))
        return (workers[index].id, held)
    }

    private mutating func finish() {
        guard let (worker, held) = pick() else { return }
        note(bench.finish(Bytes(held.tag), held.lease, result: ("r", "{}"), by: worker), held)
    }

    private mutating func note(_ answer: Answer, _ held: Held) {
        guard answer == Self.done else { return }
        #expect(finished.insert(held.tag).inserted, "\(held.tag) was finished twice")
    }

    private mutating func giveBack() {
        guard let (worker, held) = pick() else { return }
        let message = MessageReader.test.redelivered(Bytes(held.message))
        let push: Bytes = Bool.random(using: &random) ? "LPUSH" : "RPUSH"
        _ = bench.giveBack(Bytes(held.tag), held.lease, push, message, by: worker)
        stale.append(held)
    }

    private mutating func bury() {
        guard let (worker, held) = pick() else { return }
        _ = bench.script(.bury, [Bytes(held.tag), BrokerBench.lease(held.lease), Bytes(held.message)], by: worker)
        stale.append(held)
    }

    private mutating func renew() {
        guard let worker = workers.randomElement(using: &random), let held = worker.held.first else { return }
        _ = bench.renew(Bytes(held.tag), held.lease, by: worker.id)
    }

    private mutating func actTooLate() {
        guard let held = stale.randomElement(using: &random) else { return }
        let answers = [
            bench.finish(Bytes(held.tag), held.lease, by: 1), bench.renew(Bytes(held.tag), held.lease, by: 1),
            bench.giveBack(Bytes(held.tag), held.lease, "RPUSH", Bytes(held.message), by: 1),
        ]
        #expect(answers == Array(repeating: .array([.integer(0)]), count: 3), "\(held.tag) was no longer its own")
    }

    private mutating func kill(replace: Bool = true) {
        guard let index = workers.indices.randomElement(using: &random) else { return }
        let worker = workers.remove(at: index)
        if replace { addWorker() }
        guard bench.machine.clients[ClientID(worker.id)] != nil else { return }
        bench.leave(worker.id)
        stale += worker.held
    }

    /// Nobody renews for a while; then others ask for what lapsed.
    private mutating func standStill() {
        bench.pass(milliseconds: 31_000)
        _ = bench.script(.restore, ["30", "3600", "1000"], by: 1)
        for index in workers.indices {
            stale += workers[index].held
            workers[index].held = []
        }
    }

    /// The broker ends. Some workers come back and go on with what they have; of the others nothing is heard again.
    private mutating func restart() {
        bench.restart()
        for index in workers.indices {
            workers[index].id = nextID
            nextID += 1
            guard Bool.random(using: &random) else {
                workers[index].held = []
                continue
            }
            for held in workers[index].held { _ = bench.renew(Bytes(held.tag), held.lease, by: workers[index].id) }
        }
    }
}
