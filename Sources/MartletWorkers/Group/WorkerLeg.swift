import MartletBase
import MartletExchange
import MartletLogic
import MartletWire
import NIOCore

/// A request to a group of workers: the body is gathered, then the group has it computed.
final class WorkerLeg: Leg {
    /// Credit that a request starts with, by the protocol.
    private static let firstChunks = 64
    private static let firstBytes = 256 << 10

    private let group: WorkerGroup
    private let context: LoopContext
    private var exchange: Exchange?
    private var meta = ByteBuffer()
    private var gathered = ByteBuffer()
    private var item: ItemID?
    private var hasHead = false
    /// What the exchange took and the worker does not know of yet.
    private var owedChunks = 0
    private var owedBytes = 0

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
        meta = WorkerMeta.bytes(of: head, for: group.api, exchange.caller, deadline: deadline, now: context.now)
        return true
    }

    func body(_ slice: ByteBuffer) {
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

    /// Bytes are owed as they are taken, whole pieces at a time: a worker is told when half of its credit is used.
    func demand(_ bytes: Int) {
        owedBytes += bytes
        guard let item, owedChunks >= Self.firstChunks / 2 || owedBytes >= Self.firstBytes / 2 else { return }
        let chunks = UInt16(clamping: owedChunks)
        group.grant(item, chunks: chunks, bytes: UInt32(clamping: owedBytes))
        owedChunks -= Int(chunks)
        owedBytes = 0
    }

    func cancel(_ reason: CancelReason) {
        guard exchange != nil else { return }
        finish()
        if let item { group.cancel(item, now: context.now) }
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
            finish()
            begin(exchange, status: status, answer, size: .exactly(body.readableBytes))
            if body.readableBytes > 0 { exchange.legBody(body) }
            exchange.legEnd()
        case .chunks(let head, let chunks, let isLast):
            owedChunks += chunks.count
            if !hasHead { begin(exchange, status: head?.status ?? 200, head ?? .json, size: .unknown) }
            for chunk in chunks where chunk.readableBytes > 0 { exchange.legBody(chunk) }
            guard isLast, self.exchange != nil else { return }
            finish()
            exchange.legEnd()
        case .failed(let complaint):
            fail(exchange, complaint)
        case .refused(let error):
            refuse(error)
        }
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
