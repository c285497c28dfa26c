import MartletBase
package import MartletExchange
import MartletNet
import MartletWire
import NIOCore

/// Lets a handler inside this process ask one of its routes: through the dispatcher, as if the request had come over a
/// connection.
package struct InnerCaller: Sendable {
    /// What tells a caller who is refused how to do better.
    private static let advice: [FieldName] = [.retryAfter, .wwwAuthenticate]

    private let loops: LoopTable

    package init(_ loops: LoopTable) {
        self.loops = loops
    }

    /// The whole answer to `request` by `route`, refusals included. A cancelled task is a client that leaves.
    ///
    /// - Parameter limit: Bytes of an answer's body.
    /// - Throws: `bodyTooLarge` where the route takes no body of that size; `upstreamTruncated` where the answer broke
    ///   off or has more than `limit` bytes.
    package func ask(_ route: Route, _ request: LocalRequest, limit: Int = 16 << 20) async throws -> LocalResponse {
        try await ask(route, request) { answer in
            var body = ByteBuffer()
            for try await piece in answer.body {
                guard body.readableBytes + piece.readableBytes <= limit else {
                    throw MartletError(.upstreamTruncated, cause: "the answer has more than \(limit) bytes")
                }
                body.writeImmutableBuffer(piece)
            }
            let type = answer.headers.value(.contentType) ?? "application/json"
            var response = LocalResponse(status: answer.status, contentType: type, body: body)
            response.headers = Self.advice.compactMap { name in answer.headers.value(name).map { (name.text, $0) } }
            return response
        }
    }

    /// Hands the answer to `request` by `route`, refusals included, to `read` as soon as it begins. The request is over
    /// when `read` returns: what is not read by then nobody wants. A cancelled task is a client that leaves.
    ///
    /// - Throws: what `read` throws, and as ``ask(_:_:limit:)``, where the answer broke off when its body is read.
    package func ask<Value: Sendable>(
        _ route: Route, _ request: LocalRequest, read: (InnerAnswer) async throws -> Value
    ) async throws -> Value {
        try await begin(route, request).read(read)
    }

    /// As ``ask(_:_:read:)``, for an answer that is read later on: whoever has it reads or leaves it in the end.
    package func begin(_ route: Route, _ request: LocalRequest) async throws -> BegunAnswer {
        guard request.body.readableBytes <= route.bodyLimit else {
            throw MartletError(.bodyTooLarge, cause: "a body for \(route.name) has at most \(route.bodyLimit) bytes")
        }
        guard let context = loops.contexts.randomElement() else { throw MartletError(.shuttingDown) }
        let loop = context.eventLoop
        let call = NIOLoopBoundBox.makeEmptyBox(valueType: InnerCall.self, eventLoop: loop)
        let reader = InnerReader { bytes in loop.execute { call.value?.read(bytes) } }
        let leave: @Sendable () -> Void = { loop.execute { call.value?.leave() } }
        loop.execute {
            let made = InnerCall(context.value, client: request.clientAddress, reader)
            call.value = made
            made.ask(route, request)
        }
        do {
            let answer = try await withTaskCancellationHandler {
                try await reader.answer()
            } onCancel: {
                leave()
            }
            return BegunAnswer(answer: answer, leave: leave)
        } catch {
            leave()
            throw error
        }
    }
}

/// The answer to a request of this process to itself, from its head on.
package struct BegunAnswer: Sendable {
    package let answer: InnerAnswer
    /// What is not read by then nobody wants. Any thread, any number of times.
    package let leave: @Sendable () -> Void

    /// Hands the answer to `read`. The request is over when that returns, or the task is cancelled.
    package func read<Value: Sendable>(_ read: (InnerAnswer) async throws -> Value) async throws -> Value {
        defer { leave() }
        return try await withTaskCancellationHandler {
            try await read(answer)
        } onCancel: {
            leave()
        }
    }
}

/// The caller's side of one such request. Confined to its loop.
private final class InnerCall: Front, Timed {
    /// Bytes of an answer that may wait to be read.
    private static let bound = 256 << 10

    let clientAddress: String
    private let context: LoopContext
    private let reader: InnerReader
    private var exchange: Exchange?
    private var timer = DeadlineWheel.Handle.none
    private var held = 0
    private(set) var isWritable = true

    init(_ context: LoopContext, client: String, _ reader: InnerReader) {
        self.context = context
        self.reader = reader
        clientAddress = client
    }

    func ask(_ route: Route, _ request: LocalRequest) {
        context.readClock()
        var target = ByteBuffer(string: request.path)
        if !request.query.isEmpty { target.writeString("?" + request.query) }
        let head = RequestHead(
            method: request.method, target: target, authority: ByteBuffer(), headers: request.headers)
        var caller = CallerFacts()
        // The lower of the two: a route states the highest that its requests can have.
        caller.priority = max(route.priority, request.priority)
        caller.deadline = request.deadline
        caller.bodySize = .exactly(request.body.readableBytes)
        caller.requestID = context.nextRequestID()
        let exchange = Exchange(
            context: context, route: route, front: self,
            request: ForwardedFor.inner(head, for: route, client: clientAddress, id: caller.requestID),
            caller: caller, now: context.now)
        self.exchange = exchange
        exchange.start()
        if request.body.readableBytes > 0 { exchange.requestBody(request.body) }
        exchange.requestEnd()
        exchange.requestReadComplete()
    }

    /// Idempotent; nothing where the answer has ended.
    func leave() {
        context.readClock()
        let exchange = self.exchange
        finish(.failure(CancellationError()))
        context.hold(-held)
        held = 0
        exchange?.gone()
    }

    func read(_ bytes: Int) {
        let bytes = min(bytes, held)
        held -= bytes
        context.hold(-bytes)
        guard !isWritable, held < Self.bound else { return }
        context.readClock()
        isWritable = true
        exchange?.frontWritable()
    }

    private func finish(_ result: Result<Void, any Error>) {
        exchange = nil
        context.wheel.disarm(&timer)
        reader.end(result)
    }

    // MARK: From the exchange

    func respond(_ head: ResponseHead, size: BodySize, dropping dropped: [String], extra: HeaderLines) {
        var headers = head.headers
        // What an answer of our own says beside its body, such as when to try again.
        for line in String(buffer: extra.bytes).split(separator: "\r\n") {
            let parts = line.split(separator: ": ", maxSplits: 1)
            if parts.count == 2 { headers.append(String(parts[0]), String(parts[1])) }
        }
        reader.begin(status: head.status, headers: headers)
    }

    func body(_ slice: ByteBuffer) {
        guard exchange != nil else { return }
        context.hold(slice.readableBytes)
        held += slice.readableBytes
        if reader.add(slice) >= Self.bound { isWritable = false }
    }

    func end() { finish(.success(())) }
    func abort() { finish(.failure(MartletError(.upstreamTruncated))) }
    func informational(_ head: ResponseHead) {}
    func flush() {}
    func setReading(_ isOn: Bool) {}

    func wake(_ exchange: Exchange, at instant: Instant) {
        if instant == .never {
            context.wheel.disarm(&timer)
        } else if self.exchange != nil {
            context.wheel.rearm(&timer, self, at: instant)
        }
    }

    func deadlineReached(now: Instant) -> Instant {
        context.readClock()
        return exchange?.deadlineReached(now: now) ?? .never
    }
}
