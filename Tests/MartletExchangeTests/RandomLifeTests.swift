import MartletBase
import MartletExchange
import MartletLogic
import MartletTesting
import MartletWire
import NIOCore
import Testing

/// Dozens of requests at a time, each event drawn by lot, in any order that the contract allows: whatever happens,
/// every book is closed once.
@Suite("Random lives")
struct RandomLifeTests {
    /// The target's side of one attempt, which may not send a body before its head.
    final class Attempt {
        let leg: FakeLeg
        var isAccepted = false
        var hasHead = false
        init(_ leg: FakeLeg) { self.leg = leg }
    }

    final class World {
        let house: House
        let spare: Pool
        let table: ModelTable
        var random: SplitMix64
        var attempts: [Attempt] = []
        var open: [House.Call] = []

        init(seed: UInt64) throws {
            random = SplitMix64(seed: seed)
            house = try House(targets: 3, bufferLimit: 200_000, target: .holding(2), Self.hurried)
            spare = try house.addPool("spare", targets: 1, target: .holding(4), Self.hurried)
            table = .fake("m", house.pool, as: "n", fallback: spare)
            house.manual.context.heartbeat = Interval(.seconds(2))
            house.manual.legs.onOpen = { [unowned self] leg in
                attempts.append(Attempt(leg))
                guard draw(10) == 0 else { return }
                leg.onStart = { $0.fail(.connect, sent: false) }
            }
        }

        private static func hurried(_ policy: inout PoolPolicy) {
            policy.retry.attempts = 3
            policy.retry.on.insert(.http503)
            policy.queue.length = 6
            policy.timeouts.queue = .seconds(3)
            policy.timeouts.firstByte = .seconds(4)
            policy.timeouts.idle = .seconds(5)
            policy.timeouts.total = .seconds(20)
        }

        func draw(_ count: UInt64) -> Int { Int(random.next() % count) }

        func step() {
            open.removeAll { $0.front.isAnswered }
            attempts.removeAll { $0.leg.isOver }
            switch draw(20) {
            case 0, 1: newRequest()
            case 2: house.manual.advance(.milliseconds(draw(3000)))
            case 3: house.manual.advance(.milliseconds(draw(50)))
            case 4: house.manual.run()
            case 5: poolEvent()
            case 6, 7, 8: callerEvent()
            default: targetEvent()
            }
        }

        private func newRequest() {
            let front = FakeFront()
            // Some callers leave in the middle of a call to them.
            if draw(8) == 0 {
                let patience = draw(6)
                front.onHeard = { [weak house, weak front] _ in
                    guard let front, front.heard.count > patience else { return }
                    house?.calls.first { $0.front === front }?.exchange.gone()
                }
            }
            switch draw(4) {
            case 0: open.append(house.chat(table, model: draw(8) == 0 ? "unknown" : "m", front: front))
            case 1: open.append(house.openChat(table, bytes: 100, front: front))
            case 2:
                let route = Route.fake(.pool(house.pool))
                open.append(house.open(.fake(.put), route: route, caller: CallerFacts(), front: front))
            default:
                let deadline = draw(5) == 0 ? house.manual.now + .milliseconds(draw(5000)) : .never
                open.append(house.get(draw(2) == 0 ? .get : .post, deadline: deadline, front: front))
            }
        }

        private func poolEvent() {
            let now = house.manual.now
            let number = UInt8(draw(3) + 1)
            switch draw(4) {
            case 0: house.pool.tick(now: now)
            case 1: house.manual.legs.targetLost(TargetID(UInt32(number)))
            default:
                guard let target = house.pool.targets.first(where: { $0.id.rawValue == number }) else { return }
                house.pool.probe(target, passed: draw(3) > 0, now: now)
            }
        }

        private func callerEvent() {
            guard !open.isEmpty else { return }
            let call = open[draw(UInt64(open.count))]
            switch draw(8) {
            case 0:
                call.exchange.gone(draw(2) == 0 ? .clientGone : .slowReader)
                open.removeAll { $0.front === call.front }
            case 1: call.exchange.requestFailed(MartletError(.badRequest))
            case 2: call.exchange.requestEnd()
            case 3: call.front.isWritable = false
            case 4, 5:
                call.front.isWritable = true
                call.exchange.frontWritable()
            default: call.exchange.requestBody(ByteBuffer(repeating: 0x20, count: draw(30_000)))
            }
        }

        private func targetEvent() {
            guard !attempts.isEmpty else { return }
            let attempt = attempts[draw(UInt64(attempts.count))]
            let leg = attempt.leg
            guard attempt.isAccepted else {
                if draw(6) == 0 { return leg.fail(draw(2) == 0 ? .connect : .tls, sent: false) }
                attempt.isAccepted = true
                return leg.accept(isNew: draw(2) == 0)
            }
            switch draw(12) {
            case 0:
                let failure: FailureClass = [.reset, .malformed, .truncated][draw(3)]
                leg.fail(failure, sent: true, stale: !attempt.hasHead && draw(2) == 0)
            case 1: leg.isUploadWritable = false
            case 2:
                leg.isUploadWritable = true
                leg.exchange?.legUploadWritable()
            case 3 where !attempt.hasHead, 4 where !attempt.hasHead, 5 where !attempt.hasHead: begin(attempt)
            case 6 where attempt.hasHead: leg.end()
            case 7 where !attempt.hasHead: leg.inform(103)
            default: if attempt.hasHead { leg.say(Self.pieces[draw(UInt64(Self.pieces.count))]) }
            }
        }

        private func begin(_ attempt: Attempt) {
            attempt.hasHead = true
            switch draw(5) {
            case 0: attempt.leg.respond(503)
            case 1: attempt.leg.respond(429, [("Retry-After", "1")])
            case 2: attempt.leg.respond(200, size: .exactly(10))
            default: attempt.leg.respondWithEvents()
            }
        }

        private static let pieces = [
            "data: 1\n\n", "data: [DONE]\n\n", "data: ha", "lf\n\n", ":\n\n", String(repeating: "x", count: 20_000),
        ]
    }

    @Test("close every book once", arguments: 0..<60 as Range<UInt64>)
    func life(seed: UInt64) throws {
        let world = try World(seed: seed)
        for _ in 0..<500 { world.step() }
        for call in world.open { call.exchange.gone() }
        world.house.expectClosedBooks()
    }

    @Test("end by themselves when the callers do nothing more", arguments: 200..<210 as Range<UInt64>)
    func timeout(seed: UInt64) throws {
        let world = try World(seed: seed)
        for _ in 0..<300 { world.step() }
        // Until its body names a model a request has no pool, and no pool's rules.
        for call in world.open { call.exchange.requestEnd() }
        for _ in 0..<30 {
            world.house.manual.advance(.seconds(1))
            world.house.pool.tick(now: world.house.manual.now)
            world.spare.tick(now: world.house.manual.now)
        }
        world.house.expectClosedBooks()
    }
}
