import MartletBase
package import MartletExchange
import MartletNet
import MartletWire
import NIOCore

/// Lets a handler inside this process ask one of its routes: through the dispatcher, as if the request had come over a
/// connection. Whole answers only.
package struct InnerCaller: Sendable {
    private let loops: LoopTable

    package init(_ loops: LoopTable) {
        self.loops = loops
    }

    /// The answer to `request` by `route`, refusals included. A cancelled task is a client that leaves.
    ///
    /// - Parameter limit: Bytes of an answer's body.
    /// - Throws: `upstreamTruncated` where the answer broke off or has more than `limit` bytes.
    package func ask(_ route: Route, _ request: LocalRequest, limit: Int = 16 << 20) async throws -> LocalResponse {
        guard let context = loops.contexts.randomElement() else { throw MartletError(.shuttingDown) }
        let loop = context.eventLoop
        let answer = loop.makePromise(of: LocalResponse.self)
        let call = NIOLoopBoundBox.makeEmptyBox(valueType: InnerCall.self, eventLoop: loop)
        loop.execute {
            let made = InnerCall(context.value, limit: limit, client: request.clientAddress, answer)
            call.value = made
            made.ask(route, request)
        }
        return try await withTaskCancellationHandler {
            try await answer.futureResult.get()
        } onCancel: {
            loop.execute { call.value?.leave() }
        }
    }
}

/// The caller's side of one such request. Confined to its loop.
private final class InnerCall: Front, Timed {
    let clientAddress: String
    private let context: LoopContext
    private let limit: Int
    private var answer: EventLoopPromise<LocalResponse>?
    private var exchange: Exchange?
    private var timer = DeadlineWheel.Handle.none
    private var head: ResponseHead?
    private var gathered = ByteBuffer()

    init(_ context: LoopContext, limit: Int, client: String, _ answer: EventLoopPromise<LocalResponse>) {
        self.context = context
        self.limit = limit
        clientAddress = client
        self.answer = answer
    }

    func ask(_ route: Route, _ request: LocalRequest) {
        context.readClock()
        var target = ByteBuffer(string: request.path)
        if !request.query.isEmpty { target.writeString("?" + request.query) }
        let head = RequestHead(
            method: request.method, target: target, authority: ByteBuffer(), headers: request.headers)
        var caller = CallerFacts()
        caller.priority = route.priority
        caller.bodySize = .exactly(request.body.readableBytes)
        caller.requestID = context.nextRequestID()
        let exchange = Exchange(
            context: context, route: route, front: self,
            request: OutgoingRequest(
                head: head, except: FieldSet.hopByHop.union(.framing), exceptNamed: [], lines: HeaderLines(),
                hostHeader: nil),
            caller: caller, now: context.now)
        self.exchange = exchange
        exchange.start()
        if request.body.readableBytes > 0 { exchange.requestBody(request.body) }
        exchange.requestEnd()
        exchange.requestReadComplete()
    }

    func leave() {
        context.readClock()
        let exchange = self.exchange
        finish(.failure(CancellationError()))
        exchange?.gone()
    }

    private func finish(_ result: Result<LocalResponse, any Error>) {
        guard let answer else { return }
        self.answer = nil
        exchange = nil
        context.wheel.disarm(&timer)
        context.hold(-gathered.readableBytes)
        gathered = ByteBuffer()
        answer.completeWith(result)
    }

    // MARK: From the exchange

    var isWritable: Bool { true }

    func respond(_ head: ResponseHead, size: BodySize, dropping dropped: [String], extra: HeaderLines) {
        self.head = head
    }

    func body(_ slice: ByteBuffer) {
        guard answer != nil else { return }
        guard gathered.readableBytes + slice.readableBytes <= limit else {
            let exchange = self.exchange
            finish(.failure(MartletError(.upstreamTruncated, cause: "the answer has more than \(limit) bytes")))
            exchange?.gone()
            return
        }
        context.hold(slice.readableBytes)
        gathered.writeImmutableBuffer(slice)
    }

    func end() {
        let type = head?.headers.value(.contentType) ?? "application/json"
        finish(.success(LocalResponse(status: head?.status ?? 500, contentType: type, body: gathered)))
    }

    func abort() {
        finish(.failure(MartletError(.upstreamTruncated)))
    }

    func informational(_ head: ResponseHead) {}
    func flush() {}
    func setReading(_ isOn: Bool) {}

    func wake(_ exchange: Exchange, at instant: Instant) {
        if instant == .never {
            context.wheel.disarm(&timer)
        } else if answer != nil {
            context.wheel.rearm(&timer, self, at: instant)
        }
    }

    func deadlineReached(now: Instant) -> Instant {
        context.readClock()
        return exchange?.deadlineReached(now: now) ?? .never
    }
}
