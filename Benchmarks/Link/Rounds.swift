import MartletBase
import MartletExchange
import MartletLogic
import MartletNet
import MartletWire
import MartletWorkers
import NIOCore

/// One request after the other through the dispatcher to a group of workers, one at a time: the caller's side of each,
/// where a connection has an HTTP front. Confined to one event loop, on which the line to the worker lives as well.
///
/// An item is timed from when the dispatcher has a leg opened for it, which describes it and submits it to the group,
/// until the caller has the whole answer. In between lies all that the server does, both ways: batching, frames, two
/// writes and two reads of the socket, and the worker.
final class Rounds: Front, LegSource {
    let clientAddress = "127.0.0.1"
    let isWritable = true

    private static let path = ByteBuffer(string: "/predict")
    private static let item = ByteBuffer(string: "{}")

    private let context: LoopContext
    private let group: WorkerGroup
    private let route: Route
    private let done: EventLoopPromise<[Double]>
    private let count: Int
    /// Items to come that are not counted.
    private var warmUp: Int
    private var began = Instant.never
    private var status = 0
    private var answer = ByteBuffer()
    private var microseconds: [Double] = []

    /// On `loop`.
    init(_ group: WorkerGroup, on loop: any EventLoop, warmUp: Int, count: Int) {
        self.group = group
        self.warmUp = warmUp
        self.count = count
        context = LoopContext(loop: loop, number: 1, budget: BufferBudget(limit: 1 << 20), seed: 1)
        done = loop.makePromise()
        let target = Target(
            id: TargetID(1), url: "worker://bench", place: .maker(group), origin: Origin(host: "bench", port: 80),
            tls: nil, authority: nil, edits: HeaderEdits(), version: "")
        let pool = Pool(name: "bench", index: 0, policy: PoolPolicy(), observer: Unconcerned())
        pool.add(target, policy: TargetPolicy(), now: context.now)
        route = Route(
            index: 0, path: "/predict", destination: .pool(pool), bodyLimit: 1 << 20, readsBodyFirst: true)
        context.legs = self
    }

    /// Microseconds of each item. Fails where one is not answered as it should be.
    func run() -> EventLoopFuture<[Double]> {
        next()
        return done.futureResult
    }

    private func next() {
        context.readClock()
        var caller = CallerFacts()
        caller.requestID = context.nextRequestID()
        caller.bodySize = .exactly(Self.item.readableBytes)
        let head = RequestHead(method: .post, target: Self.path, authority: ByteBuffer(), headers: HeaderBlock())
        let exchange = Exchange(
            context: context, route: route, front: self,
            request: OutgoingRequest(
                head: head, except: [], exceptNamed: [], lines: HeaderLines(), hostHeader: nil),
            caller: caller, now: context.now)
        exchange.start()
        exchange.requestBody(Self.item)
        exchange.requestEnd()
        exchange.requestReadComplete()
    }

    private func fail(_ cause: String) {
        done.fail(MartletError(.workerFailed, operation: "measure", cause: cause))
    }

    // MARK: From the exchange

    func open(_ target: Target, for exchange: Exchange, isFresh: Bool) -> any Leg {
        began = .current
        return group.leg(for: exchange)
    }

    func respond(_ head: ResponseHead, size: BodySize, dropping dropped: [String], extra: HeaderLines) {
        status = head.status
    }

    func body(_ slice: ByteBuffer) { answer = slice }

    func end() {
        let took = Instant.current - began
        guard status == 200, answer == Self.item else {
            return fail("status \(status): \(String(buffer: answer))")
        }
        if warmUp > 0 { warmUp -= 1 } else { microseconds.append(took.inSeconds * 1e6) }
        guard microseconds.count < count else { return done.succeed(microseconds) }
        // The exchange is in the middle of its last step.
        let rounds = NIOLoopBound(self, eventLoop: context.loop)
        context.loop.execute { rounds.value.next() }
    }

    func abort() { fail("the answer broke off") }
    func informational(_ head: ResponseHead) {}
    func flush() {}
    func setReading(_ isOn: Bool) {}
    /// The group's own deadline ends a request whose worker hangs.
    func wake(_ exchange: Exchange, at instant: Instant) {}

    // MARK: Of no concern: there is one target, which stays

    func open(_ handler: any LocalHandler, for exchange: Exchange) -> any Leg { group.leg(for: exchange) }
    func targetLost(_ target: TargetID) {}
    func shedIdle(_ count: Int) -> Int { 0 }
    func targetReplaced(by target: Target) {}
    func targetRemoved(_ target: TargetID) {}
}

private struct Unconcerned: PoolObserver {
    func pool(_ pool: Pool, target: Target, changed change: TargetChange) {}
    func pool(_ pool: Pool, emptied target: Target) {}
}
