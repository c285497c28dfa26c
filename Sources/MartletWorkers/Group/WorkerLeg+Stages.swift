import MartletBase
import MartletExchange
import MartletLogic
import MartletWire
import NIOCore

// A stage before the last: nothing of its answer is the client's.
extension WorkerLeg {
    /// Read out of shared memory in one step of the loop, in bytes.
    private static let stepBytes = 1 << 20

    func gather(_ news: WorkerNews.Content, _ exchange: Exchange) {
        switch news {
        case .answer(let status, let answer, let body):
            guard begin(answer, status: status), add(body, exchange) else { return }
            goOn(exchange)
        case .lying(let status, let answer, let body):
            guard begin(answer, status: status) else { return }
            lying = LyingReader(body)
            readLying()
        case .chunks(let head, let chunks, let isLast):
            take(head, chunks, isLast: isLast, exchange)
        case .failed(let complaint): fail(exchange, complaint)
        case .refused(let error, let retryAfter): refuse(error, retryAfter: retryAfter)
        }
    }

    private func take(_ head: WorkerAnswer?, _ chunks: [ByteBuffer], isLast: Bool, _ exchange: Exchange) {
        if head != nil || later?.type == nil {
            guard begin(head ?? .json, status: head?.status ?? 200) else { return }
        }
        let bytes = chunks.reduce(0) { $0 + $1.readableBytes }
        guard credit.spend(chunks: chunks.count, bytes: bytes) else { return breakOff("more than it had credit for") }
        for chunk in chunks { guard add(chunk, exchange) else { return } }
        guard !isLast else { return goOn(exchange) }
        credit.take(chunks: chunks.count, bytes: bytes)
        guard let item, let grant = credit.grant() else { return }
        group.grant(item, chunks: grant.chunks, bytes: grant.bytes)
    }

    /// Step by step, for other requests of the loop wait meanwhile.
    private func readLying() {
        var readBytes = 0
        while let exchange, let next = lying?.next() {
            switch next {
            case .piece(let piece):
                guard add(piece, exchange) else { return }
                readBytes += piece.readableBytes
                lying?.demand(piece.readableBytes)
            case .end:
                lying = nil
                return goOn(exchange)
            case .lost: return breakOff("a body that is not there")
            }
            if readBytes >= Self.stepBytes { break }
        }
        if lying != nil { inTurn { $0.readLying() } }
    }

    /// The answer is whole: the next stage gets it.
    private func goOn(_ exchange: Exchange) {
        guard let stage = later, let type = stage.type, let deadline = stage.deadline, stage.isWhole else {
            return breakOff(.length)
        }
        group = stage.next
        later = stage.afterNext
        (item, credit) = (nil, WorkerCredit())
        let meta = describe(stage.request, exchange, type: type)
        submit(exchange, meta: meta, body: stage.body, deadline: deadline)
        group.expect(-1)
    }

    private func begin(_ answer: WorkerAnswer, status: Int) -> Bool {
        // Its own body is not sent again.
        holdBody(0)
        guard let fault = later?.answer(answer, status: status) else { return true }
        breakOff(fault)
        return false
    }

    private func add(_ piece: ByteBuffer, _ exchange: Exchange) -> Bool {
        let limit = later?.next.api.maxBody ?? exchange.route.bodyLimit
        if let fault = later?.append(piece, limit: limit) {
            breakOff(fault)
            return false
        }
        holdBody(later?.body.readableBytes ?? 0)
        guard context.budget.isExhausted else { return true }
        abandon(MartletError(.overloaded))
        return false
    }

    private func breakOff(_ fault: LaterStages.Fault) { breakOff(fault.rawValue) }
}
