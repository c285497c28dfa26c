import MartletBase
import MartletExchange
import MartletWire
import NIOCore

/// A request to a handler inside this process: the body is gathered, then one task runs the handler.
///
/// The only place of the data plane that starts tasks; the task is cancelled when the client leaves.
final class LocalLeg: Leg {
    private let handler: any LocalHandler
    private var exchange: Exchange?
    private var head: RequestHead?
    private var gathered = ByteBuffer()
    private var task: Task<Void, Never>?

    init(handler: any LocalHandler, exchange: Exchange) {
        self.handler = handler
        self.exchange = exchange
    }

    var isUploadWritable: Bool { true }

    func start(_ request: OutgoingRequest, size: BodySize) -> Bool {
        head = request.head
        return true
    }

    func body(_ slice: ByteBuffer) {
        gathered.writeImmutableBuffer(slice)
    }

    func bodyEnd() {
        guard let head, let exchange, task == nil else { return }
        let request = LocalRequest(head, body: gathered, clientAddress: exchange.front.clientAddress)
        let loop = exchange.context.loop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let handler = self.handler
        task = Task {
            let response = await handler.answer(request)
            loop.execute { bound.value.answered(response) }
        }
    }

    func flush() {}
    func demand(_ bytes: Int) {}

    func cancel(_ reason: CancelReason) {
        exchange = nil
        task?.cancel()
    }

    private func answered(_ response: LocalResponse) {
        guard let exchange else { return }
        self.exchange = nil
        exchange.context.readClock()
        var head = ResponseHead(status: response.status)
        head.headers.append("Content-Type", response.contentType)
        head.headers.append("Date", exchange.context.date())
        for (name, value) in response.headers { head.headers.append(name, value) }
        exchange.legHead(head, size: .exactly(response.body.readableBytes))
        if response.body.readableBytes > 0 { exchange.legBody(response.body) }
        exchange.legEnd()
    }
}

extension LocalHandler {
    fileprivate func answer(_ request: LocalRequest) async -> LocalResponse {
        do {
            return try await handle(request)
        } catch let error as MartletError {
            return .json(ErrorShape.openAI.body(error), status: error.code.status)
        } catch {
            return .json(ErrorShape.openAI.body(MartletError(.internalError, cause: "\(error)")), status: 500)
        }
    }
}

extension LocalRequest {
    init(_ head: RequestHead, body: ByteBuffer, clientAddress: String) {
        let start = head.target.readerIndex
        let path = head.target.getString(at: start, length: head.pathLength) ?? ""
        let rest = head.target.readableBytes - head.pathLength
        let query = rest > 1 ? head.target.getString(at: start + head.pathLength + 1, length: rest - 1) ?? "" : ""
        self.init(
            method: head.method, path: path, query: query, headers: head.headers, body: body,
            clientAddress: clientAddress)
    }
}
