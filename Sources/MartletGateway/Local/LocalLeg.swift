import MartletBase
package import MartletExchange
import MartletWire
import NIOCore

/// A target inside this process: a handler that has a pool's queue in front of it.
package final class LocalTarget: LegMaker {
    private let handler: any LocalHandler

    package init(_ handler: any LocalHandler) {
        self.handler = handler
    }

    package func leg(for exchange: Exchange) -> any Leg { LocalLeg(handler: handler, exchange: exchange) }
}

/// A request to a handler inside this process: the body is gathered, then one task runs the handler. One that takes
/// the body as it comes is run at once.
///
/// The only place of the data plane that starts tasks; the task is cancelled when the client leaves.
final class LocalLeg: Leg {
    private let handler: any LocalHandler
    private var exchange: Exchange?
    private var head: RequestHead?
    private var gathered = ByteBuffer()
    /// Of a handler that takes it as it comes.
    private var upload: LocalBody?
    /// Bytes of the body that are counted as held.
    private var heldBytes = 0
    private var task: Task<Void, Never>?
    /// Of an answer that is written piece by piece.
    private var writer: LocalWriter?

    init(handler: any LocalHandler, exchange: Exchange) {
        self.handler = handler
        self.exchange = exchange
    }

    var isUploadWritable: Bool { upload?.hasRoom ?? true }

    func start(_ request: OutgoingRequest, size: BodySize) -> Bool {
        head = request.head
        if let handler = handler as? any UploadHandler, let exchange {
            let bound = NIOLoopBound(self, eventLoop: exchange.context.loop)
            let body = LocalBody { bound.eventLoop.execute { bound.value.uploaded() } }
            upload = body
            run { try await handler.handle($0, body: body) }
        }
        return true
    }

    func body(_ slice: ByteBuffer) {
        guard let exchange else { return }
        if let upload {
            guard upload.push(slice) else { return }
        } else {
            gathered.writeImmutableBuffer(slice)
        }
        exchange.context.hold(slice.readableBytes)
        heldBytes += slice.readableBytes
    }

    func bodyEnd() {
        if let upload { return upload.finish() }
        guard task == nil else { return }
        let handler = self.handler
        run { try await handler.handle($0) }
    }

    /// The handler read some of the body.
    private func uploaded() {
        guard let exchange, let upload else { return }
        let bytes = upload.takeRead()
        heldBytes -= bytes
        exchange.context.hold(-bytes)
        exchange.context.readClock()
        exchange.legUploadWritable()
    }

    private func run(_ handle: @escaping @Sendable (LocalRequest) async throws -> LocalResponse) {
        guard let head, let exchange else { return }
        let request = LocalRequest(head, body: gathered, of: exchange)
        let bound = NIOLoopBound(self, eventLoop: exchange.context.loop)
        task = Task { await LocalLeg.run(handle, request, for: bound) }
    }

    /// The handler's task.
    private static func run(
        _ handle: @Sendable (LocalRequest) async throws -> LocalResponse, _ request: LocalRequest,
        for bound: NIOLoopBound<LocalLeg>
    ) async {
        let response = await answer(request, handle)
        guard let stream = response.stream else {
            return bound.eventLoop.execute { bound.value.answered(response) }
        }
        let writer = LocalWriter { bound.eventLoop.execute { bound.value.relay() } }
        bound.eventLoop.execute { bound.value.began(response, writer) }
        var failure: MartletError?
        do {
            try await stream(writer)
        } catch {
            failure = error as? MartletError ?? MartletError(.internalError, cause: "\(error)")
        }
        bound.eventLoop.execute { [failure] in bound.value.ended(failure) }
    }

    func flush() {}

    func demand(_ bytes: Int) {
        writer?.taken(bytes)
    }

    func cancel(_ reason: CancelReason) {
        let (writer, upload) = (writer, upload)
        finish()
        task?.cancel()
        writer?.end()
        upload?.fail(CancellationError())
    }

    /// The exchange hears no more, and the body is let go. What the handler reads and writes by knows this leg: it
    /// would keep it, and all of its request, for ever.
    private func finish() {
        letGo()
        exchange = nil
        upload = nil
        writer = nil
    }

    private func letGo() {
        exchange?.context.hold(-heldBytes)
        heldBytes = 0
        gathered = ByteBuffer()
    }

    // MARK: From the handler's task, on the loop

    private func answered(_ response: LocalResponse) {
        guard let exchange else { return }
        finish()
        exchange.context.readClock()
        begin(exchange, response, size: .exactly(response.body.readableBytes))
        if response.body.readableBytes > 0 { exchange.legBody(response.body) }
        exchange.legEnd()
    }

    private func began(_ response: LocalResponse, _ writer: LocalWriter) {
        guard let exchange else { return writer.end() }
        self.writer = writer
        // What comes as it is read goes as it is read.
        if upload == nil { letGo() }
        exchange.context.readClock()
        begin(exchange, response, size: .unknown)
        exchange.legReadComplete()
    }

    private func relay() {
        guard let writer else { return }
        let pieces = writer.take()
        guard let exchange, !pieces.isEmpty else { return }
        exchange.context.readClock()
        for piece in pieces where self.exchange != nil { exchange.legBody(piece) }
        if self.exchange != nil { exchange.legReadComplete() }
    }

    private func ended(_ failure: MartletError?) {
        relay()
        guard let exchange else { return }
        finish()
        exchange.context.readClock()
        if let failure { exchange.legRefused(failure) } else { exchange.legEnd() }
    }

    private func begin(_ exchange: Exchange, _ response: LocalResponse, size: BodySize) {
        var head = ResponseHead(status: response.status)
        head.headers.append("Content-Type", response.contentType)
        head.headers.append("Date", exchange.context.date())
        for (name, value) in response.headers { head.headers.append(name, value) }
        exchange.legHead(head, size: size)
    }
}

extension LocalLeg {
    private static func answer(
        _ request: LocalRequest, _ handle: @Sendable (LocalRequest) async throws -> LocalResponse
    ) async -> LocalResponse {
        do {
            return try await handle(request)
        } catch let error as MartletError {
            var response = LocalResponse.json(ErrorShape.openAI.body(error), status: error.code.status)
            response.headers = error.headers
            return response
        } catch {
            return .json(ErrorShape.openAI.body(MartletError(.internalError, cause: "\(error)")), status: 500)
        }
    }
}

extension LocalRequest {
    fileprivate init(_ head: RequestHead, body: ByteBuffer, of exchange: Exchange) {
        let start = head.target.readerIndex
        let path = head.target.getString(at: start, length: head.pathLength) ?? ""
        let rest = head.target.readableBytes - head.pathLength
        let query = rest > 1 ? head.target.getString(at: start + head.pathLength + 1, length: rest - 1) ?? "" : ""
        self.init(
            method: head.method, path: path, query: query, headers: head.headers, body: body,
            clientAddress: exchange.front.clientAddress)
        deadline = exchange.deadline
        priority = exchange.caller.priority
    }
}
