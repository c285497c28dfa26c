import MartletBase
import MartletExchange
import MartletLogic
import MartletTesting
import MartletWire
import NIOCore
import Testing

/// A loop, a pool and requests that come in: all but the sockets.
final class House {
    let manual: ManualLoop
    let pool: Pool
    private(set) var pools: [Pool]
    private(set) var calls: [Call] = []

    /// A request: its exchange and the caller's side of it.
    struct Call {
        let exchange: Exchange
        let front: FakeFront
    }

    init(
        targets: UInt8 = 2, bufferLimit: Int = 1 << 30, target: TargetPolicy = TargetPolicy(),
        _ change: (inout PoolPolicy) -> Void = { _ in }
    ) throws {
        manual = ManualLoop(bufferLimit: bufferLimit)
        pool = try .fake(count: targets, now: manual.now, target: target, change)
        pools = [pool]
    }

    /// One more pool, of `targets` targets.
    func addPool(
        _ name: String, targets: UInt8, target: TargetPolicy = TargetPolicy(),
        _ change: (inout PoolPolicy) -> Void = { _ in }
    ) throws -> Pool {
        let pool = try Pool.fake(
            name, index: UInt16(pools.count), first: UInt8(pools.count * 10 + 1), count: targets, now: manual.now,
            target: target, change)
        pools.append(pool)
        return pool
    }

    var legs: [FakeLeg] { manual.legs.legs }
    /// The attempt made last.
    func leg() throws -> FakeLeg { try #require(manual.legs.last) }

    // MARK: Requests

    /// A request without a body to `pool`.
    @discardableResult
    func get(
        _ method: MartletWire.Method = .get, _ priority: PriorityClass = .interactive, deadline: Instant = .never,
        front: FakeFront = FakeFront()
    ) -> Call {
        var caller = CallerFacts()
        caller.priority = priority
        caller.deadline = deadline
        let call = open(.fake(method), route: .fake(.pool(pool)), caller: caller, front: front)
        call.exchange.requestEnd()
        return call
    }

    /// A chat request whose body is read first.
    @discardableResult
    func chat(_ table: ModelTable, model: String = "m", front: FakeFront = FakeFront()) -> Call {
        let body = #"{"model":"\#(model)","stream":true}"#
        let call = openChat(table, bytes: body.utf8.count, front: front)
        call.exchange.requestBody(ByteBuffer(string: body))
        call.exchange.requestEnd()
        return call
    }

    /// A chat request of which only the head came.
    func openChat(_ table: ModelTable, bytes: Int, front: FakeFront = FakeFront()) -> Call {
        var caller = CallerFacts()
        caller.bodySize = .exactly(bytes)
        return open(
            .fake(.post, "/v1/chat/completions"), route: .fake(.models(table), path: "/v1/"), caller: caller,
            front: front)
    }

    /// A request of which only the head came.
    func open(_ head: RequestHead, route: Route, caller: CallerFacts, front: FakeFront = FakeFront()) -> Call {
        let exchange = Exchange(
            context: manual.context, route: route, front: front, request: .fake(head), caller: caller, now: manual.now)
        calls.append(Call(exchange: exchange, front: front))
        exchange.start()
        return Call(exchange: exchange, front: front)
    }

    // MARK: Books

    /// Every request so far is over and gave everything back, once.
    func expectClosedBooks(_ location: SourceLocation = #_sourceLocation) {
        manual.run()
        #expect(manual.leftovers(pools) == [], sourceLocation: location)
        #expect(manual.recordedRequests == calls.count, sourceLocation: location)
        for call in calls { expectOrder(call.front.heard, location) }
    }

    /// One head at most, the body behind it, nothing after the end.
    private func expectOrder(_ heard: [FakeFront.Heard], _ location: SourceLocation) {
        var heads = 0
        var isOver = false
        for what in heard {
            switch what {
            case .reading: continue
            case .informational: #expect(heads == 0, sourceLocation: location)
            case .head: heads += 1
            case .body: #expect(heads == 1, sourceLocation: location)
            case .end, .abort:
                #expect(heads == 1, sourceLocation: location)
                #expect(!isOver, sourceLocation: location)
                isOver = true
                continue
            }
            #expect(!isOver, "\(what) after the end", sourceLocation: location)
        }
        #expect(heads <= 1, sourceLocation: location)
    }

    func expectOutcome(_ outcome: Outcome, _ location: SourceLocation = #_sourceLocation) {
        expectClosedBooks(location)
        #expect(manual.outcomes == [outcome: calls.count], sourceLocation: location)
    }
}

extension TargetPolicy {
    /// A target that is never taken out.
    static let forgiven: TargetPolicy = {
        var policy = TargetPolicy()
        policy.maxFails = 0
        return policy
    }()

    static func holding(_ count: Int) -> TargetPolicy {
        var policy = TargetPolicy.forgiven
        policy.maxInflight = count
        return policy
    }
}
