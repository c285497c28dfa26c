import MartletBase
import MartletExchange
import MartletLogic
import MartletWire
import NIOCore

/// A request to a group of workers: the body is gathered, then the group has it computed.
final class WorkerLeg: Leg {
    private let group: WorkerGroup
    private let context: LoopContext
    private var exchange: Exchange?
    private var meta = ByteBuffer()
    private var gathered = ByteBuffer()
    private var item: ItemID?
    private var hasHead = false
    private var credit = WorkerCredit()
    /// Handed on since the exchange last asked for more; while the client takes nothing, it does not.
    private var chunksPassed = 0
    /// How much of the answer is to come, where its worker said how long it is.
    private var bytesToCome: Int?

    init(_ exchange: Exchange, of group: WorkerGroup) {
        self.exchange = exchange
        self.group = group
        context = exchange.context
    }

    // MARK: From the exchange

    var isUploadWritable: Bool { true }

    func start(_ request: OutgoingRequest, size: BodySize) -> Bool {
        guard let exchange else { return false }
        let head = request.head
        guard group.api.methods.isEmpty || group.api.methods.contains(head.methodText) else {
            refuse(MartletError(.methodNotAllowed, cause: "use \(group.api.methods.joined(separator: ", "))"))
            return false
        }
        meta = WorkerMeta.bytes(
            of: request, for: group.api, exchange.caller,
            client: exchange.caller.client ?? exchange.front.clientAddress, deadline: deadline, now: context.now)
        return true
    }

    func body(_ slice: ByteBuffer) {
        guard exchange != nil else { return }
        context.hold(slice.readableBytes)
        gathered.writeImmutableBuffer(slice)
    }

    func bodyEnd() {
        guard let exchange, item == nil else { return }
        let asker = NIOLoopBound(self, eventLoop: context.loop)
        do throws(WireError) {
            item = try group.submit(
                asker, meta: meta, body: gathered, priority: exchange.caller.priority, deadline: deadline,
                now: context.now)
        } catch {
            refuse(MartletError(error.code, cause: "\(error.reason)"))
        }
    }

    func flush() {}

    func demand(_ bytes: Int) {
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

    private var deadline: Instant {
        guard let exchange else { return .never }
        return min(exchange.deadline, context.now + group.answerWithin)
    }

    // MARK: From the group, on this leg's loop

    func take(_ news: WorkerNews.Content) {
        guard let exchange else { return }
        context.readClock()
        told = exchange
        switch news {
        case .answer(let status, let answer, let body):
            guard !hasHead else { return breakOff("a second answer") }
            finish()
            begin(exchange, status: status, answer, size: .exactly(body.readableBytes))
            if body.readableBytes > 0 { exchange.legBody(body) }
            exchange.legEnd()
        case .chunks(let head, let chunks, let isLast):
            take(head, chunks, isLast: isLast, exchange)
        case .failed(let complaint):
            fail(exchange, complaint)
        case .refused(let error):
            refuse(error)
        }
    }

    private func take(_ head: WorkerAnswer?, _ chunks: [ByteBuffer], isLast: Bool, _ exchange: Exchange) {
        let bytes = chunks.reduce(0) { $0 + $1.readableBytes }
        if !hasHead { bytesToCome = head?.length }
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

    /// The worker broke the rules in this answer, and goes on with it for nothing.
    private func breakOff(_ what: String) {
        if let item { group.cancel(item, .replaced, now: context.now) }
        refuse(MartletError(.upstreamMalformed, operation: "worker \(group.api.path)", cause: "it sent \(what)"))
    }

    private func fail(_ exchange: Exchange, _ complaint: WorkerComplaint) {
        guard !hasHead else { return refuse(complaint.error) }
        let body = complaint.own?.body ?? complaint.body(in: exchange.route.shape)
        finish()
        begin(
            exchange, status: complaint.status, WorkerAnswer(type: complaint.own?.type ?? "application/json"),
            size: .exactly(body.readableBytes))
        exchange.legBody(body)
        exchange.legEnd()
    }

    /// Whom to tell that this was all for now.
    private var told: Exchange?

    func readComplete() {
        told?.legReadComplete()
        told = nil
    }

    private func begin(_ exchange: Exchange, status: Int, _ answer: WorkerAnswer, size: BodySize) {
        hasHead = true
        var head = ResponseHead(status: status, headers: answer.headers)
        if !head.headers.contains(.date) { head.headers.append(.date, context.date()) }
        exchange.legHead(head, size: size)
    }

    private func refuse(_ error: MartletError) {
        guard let exchange else { return }
        finish()
        exchange.legRefused(error)
    }

    /// The exchange hears no more.
    private func finish() {
        exchange = nil
        context.hold(-gathered.readableBytes)
        gathered = ByteBuffer()
    }
}
