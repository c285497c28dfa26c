import MartletBase
import MartletExchange
import MartletLogic
import MartletWire
import NIOCore

/// A request to a group of workers: the body is gathered, then the group has it computed. Of a pipeline, the answer of
/// each group but the last is the body for the next one (`WorkerLeg+Stages.swift`).
///
/// The bytes of the body are the exchange's, which counts them until the answer begins; the group lets go of them by
/// then, and when the request is called off.
final class WorkerLeg: Leg {
    /// Where the request is now.
    var group: WorkerGroup
    let context: LoopContext
    var exchange: Exchange?
    private var meta = ByteBuffer()
    private var gathered = ByteBuffer()
    var item: ItemID?
    private var hasHead = false
    /// The client asked for the head of the answer alone.
    private var isHeadOnly = false
    var credit = WorkerCredit()
    /// Handed on since the exchange last asked for more; while the client takes nothing, it does not.
    private var chunksPassed = 0
    /// How much of the answer is to come, where its worker said how long it is.
    private var bytesToCome: Int?
    /// An answer that is read out of shared memory as the client takes it.
    var lying: LyingReader?
    /// What is left to do after the present group; nil: its answer is the client's.
    var later: LaterStages?

    init(_ exchange: Exchange, of group: WorkerGroup) {
        self.exchange = exchange
        self.group = group
        context = exchange.context
    }

    // MARK: From the exchange

    var isUploadWritable: Bool { true }

    func start(_ request: OutgoingRequest, size: BodySize) -> Bool {
        guard let exchange else { return false }
        isHeadOnly = request.head.method == .head
        meta = describe(request, exchange)
        later = LaterStages(after: group, request)
        return true
    }

    /// - Parameter type: That of the body, where a former stage made it.
    func describe(_ request: OutgoingRequest, _ exchange: Exchange, type: String? = nil) -> ByteBuffer {
        WorkerMeta.bytes(
            of: request, for: group.api, exchange.caller,
            client: exchange.caller.client ?? exchange.front.clientAddress, type: type)
    }

    func body(_ slice: ByteBuffer) {
        guard exchange != nil else { return }
        if gathered.readableBytes == 0 { gathered = slice } else { gathered.writeImmutableBuffer(slice) }
    }

    func bodyEnd() {
        guard let exchange, item == nil else { return }
        let deadline = min(exchange.deadline, context.now + group.answerWithin)
        later?.begin(deadline: deadline)
        submit(exchange, meta: meta, body: take(), deadline: deadline)
    }

    func submit(_ exchange: Exchange, meta: ByteBuffer, body: ByteBuffer, deadline: Instant) {
        let asker = NIOLoopBound(self, eventLoop: context.loop)
        do throws(WireError) {
            item = try group.submit(
                asker, meta: meta, body: body, priority: exchange.caller.priority, deadline: deadline,
                now: context.now)
        } catch {
            refuse(MartletError(error))
        }
    }

    private func take() -> ByteBuffer {
        defer { gathered = ByteBuffer() }
        return gathered
    }

    func flush() {}

    func demand(_ bytes: Int) {
        guard later == nil else { return }
        guard lying == nil else { return demandOfLying(bytes) }
        credit.take(chunks: chunksPassed, bytes: bytes)
        chunksPassed = 0
        guard let item, let grant = credit.grant() else { return }
        group.grant(item, chunks: grant.chunks, bytes: grant.bytes)
    }

    func cancel(_ reason: CancelReason) {
        guard exchange != nil else { return }
        finish()
        if let item { group.cancel(item, reason, now: context.now) }
    }

    // MARK: From the group, on this leg's loop

    func take(_ news: WorkerNews.Content) {
        guard let exchange else { return }
        context.readClock()
        told = exchange
        guard later == nil else { return gather(news, exchange) }
        switch news {
        case .answer(let status, let answer, let body):
            guard !hasHead else { return breakOff("a second answer") }
            finish()
            let hasBody = body.readableBytes > 0 || !isHeadOnly
            begin(exchange, status: status, answer, size: hasBody ? .exactly(body.readableBytes) : size(answer))
            if body.readableBytes > 0 { exchange.legBody(body) }
            exchange.legEnd()
        case .lying(let status, let answer, let body):
            guard !hasHead else { return breakOff("a second answer") }
            lying = LyingReader(body)
            begin(exchange, status: status, answer, size: .exactly(body.length))
            passLying()
        case .chunks(let head, let chunks, let isLast):
            take(head, chunks, isLast: isLast, exchange)
        case .failed(let complaint):
            fail(exchange, complaint)
        case .refused(let error, let retryAfter):
            refuse(error, retryAfter: retryAfter)
        }
    }

    private func take(_ head: WorkerAnswer?, _ chunks: [ByteBuffer], isLast: Bool, _ exchange: Exchange) {
        let bytes = chunks.reduce(0) { $0 + $1.readableBytes }
        if !hasHead, !isHeadOnly { bytesToCome = head?.length }
        bytesToCome = bytesToCome.map { $0 - bytes }
        // What is over its length must not reach the client: it would be read as the next answer.
        let isOfItsLength = bytesToCome.map { isLast ? $0 == 0 : $0 >= 0 } ?? true
        if !hasHead { begin(exchange, status: head?.status ?? 200, head ?? .json, size: size(head)) }
        guard isOfItsLength else { return breakOff("an answer of another length than it said") }
        guard credit.spend(chunks: chunks.count, bytes: bytes) else { return breakOff("more than it had credit for") }
        for chunk in chunks {
            guard self.exchange != nil else { return }
            pass(chunk, exchange)
        }
        guard isLast, self.exchange != nil else { return }
        finish()
        exchange.legEnd()
    }

    private func size(_ head: WorkerAnswer?) -> BodySize { head?.length.map { .exactly($0) } ?? .unknown }

    private func pass(_ chunk: ByteBuffer, _ exchange: Exchange) {
        chunksPassed += 1
        if chunk.readableBytes > 0 { exchange.legBody(chunk) } else { demand(0) }
    }

    // MARK: An answer in shared memory

    private func demandOfLying(_ bytes: Int) {
        lying?.demand(bytes)
        guard lying?.isBeingRead == false else { return }
        // The client takes again what it did not: what follows is handed on as if it had just been read.
        inTurn { $0.passLying() }
    }

    /// Goes on with an answer in a turn of its own of the loop.
    func inTurn(_ work: @escaping @Sendable (WorkerLeg) -> Void) {
        let leg = NIOLoopBound(self, eventLoop: context.loop)
        context.loop.execute {
            leg.value.told = leg.value.exchange
            leg.value.context.readClock()
            work(leg.value)
            leg.value.readComplete()
        }
    }

    private func passLying() {
        guard lying?.isBeingRead == false else { return }
        lying?.isBeingRead = true
        defer { lying?.isBeingRead = false }
        while let exchange, let next = lying?.next() {
            switch next {
            case .piece(let piece): exchange.legBody(piece)
            case .end:
                finish()
                return exchange.legEnd()
            case .lost: return breakOff("a body that is not there")
            }
        }
    }

    /// The worker broke the rules in this answer, and goes on with it for nothing.
    func breakOff(_ what: String) {
        abandon(MartletError(.upstreamMalformed, operation: "worker \(group.api.path)", cause: "it sent \(what)"))
    }

    /// Refuses the request, with which a worker is busy.
    func abandon(_ error: MartletError) {
        if let item { group.cancel(item, .replaced, now: context.now) }
        refuse(error)
    }

    func fail(_ exchange: Exchange, _ complaint: WorkerComplaint) {
        guard !hasHead else { return refuse(complaint.error) }
        let body = complaint.own?.body ?? complaint.body(in: exchange.route.shape)
        finish()
        var answer = WorkerAnswer(type: complaint.own?.type ?? "application/json")
        answer.headers.append(contentsOf: complaint.headers)
        begin(exchange, status: complaint.status, answer, size: .exactly(body.readableBytes))
        exchange.legBody(body)
        exchange.legEnd()
    }

    /// Whom to tell that this was all for now.
    var told: Exchange?

    func readComplete() {
        told?.legReadComplete()
        told = nil
    }

    private func begin(_ exchange: Exchange, status: Int, _ answer: WorkerAnswer, size: BodySize) {
        hasHead = true
        holdBody(0)
        var head = ResponseHead(status: status, headers: answer.headers)
        if !head.headers.contains(.date) { head.headers.append(.date, context.date()) }
        exchange.legHead(head, size: size)
    }

    func refuse(_ error: MartletError, retryAfter: Duration? = nil) {
        guard let exchange else { return }
        finish()
        exchange.legRefused(error, retryAfter: retryAfter)
    }

    /// The exchange hears no more.
    private func finish() {
        exchange = nil
        gathered = ByteBuffer()
        lying = nil
        later?.end()
        later = nil
        holdBody(0)
    }

    /// Bytes of a former stage's answer that are held, beside what the exchange holds.
    private var heldBytes = 0

    func holdBody(_ bytes: Int) {
        guard bytes != heldBytes else { return }
        context.hold(bytes - heldBytes)
        heldBytes = bytes
    }
}
