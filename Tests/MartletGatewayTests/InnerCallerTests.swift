import MartletBase
import MartletExchange
import MartletGateway
import MartletNet
import MartletTesting
import MartletWire
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// What a handler of this process is told when it asks a route of this process.
struct InnerCallerTests {
    /// Answers what `answer` makes of the request's body.
    private final class Handler: LocalHandler {
        private let answer: @Sendable (String) async throws -> String

        init(_ answer: @escaping @Sendable (String) async throws -> String) {
            self.answer = answer
        }

        func handle(_ request: LocalRequest) async throws -> LocalResponse {
            .json(try await answer("\(request.path) \(String(buffer: request.body))"))
        }
    }

    private let caller: InnerCaller
    private let context: NIOLoopBound<LoopContext>

    init() throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let loop = group.next()
        context = try loop.submit {
            let context = LoopContext.fake(on: loop)
            context.legs = HTTP1Legs(loop: context, governor: Governor())
            return NIOLoopBound(context, eventLoop: loop)
        }.wait()
        caller = InnerCaller(LoopTable(group: group, contexts: [context]))
    }

    private func route(_ answer: @escaping @Sendable (String) async throws -> String) -> Route {
        Route(index: 0, path: "/model", destination: .local(Handler(answer)), bodyLimit: 1 << 20)
    }

    private func request(_ body: String) -> LocalRequest {
        LocalRequest(
            method: .post, path: "/model", query: "", headers: HeaderBlock(), body: ByteBuffer(string: body),
            clientAddress: "192.0.2.1")
    }

    /// Bytes that are accounted for on the loop.
    private func heldBytes() async throws -> Int {
        try await context.eventLoop.submit { [context] in context.value.budget.usedBytes }.get()
    }

    @Test func theAnswerIsTheWholeOne() async throws {
        let answer = try await caller.ask(route { #"{"got":"\#($0)"}"# }, request("x"))
        #expect(answer.status == 200)
        #expect(answer.contentType == "application/json")
        #expect(String(buffer: answer.body) == #"{"got":"/model x"}"#)
        #expect(try await heldBytes() == 0)
    }

    /// Takes the body as it comes, and writes it back.
    private final class Echo: UploadHandler {
        func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
            LocalResponse(contentType: "text/plain") { writer in
                for try await piece in body { try await writer.write(piece) }
            }
        }
    }

    @Test func nothingOfARequestStaysWhenItIsAnswered() async throws {
        weak var kept: Echo?
        do {
            let handler = Echo()
            kept = handler
            let route = Route(index: 0, path: "/model", destination: .local(handler), bodyLimit: 1 << 20)
            let answer = try await caller.ask(route, request("as it comes"))
            #expect(String(buffer: answer.body) == "as it comes")
        }
        // What was to be done on the loop when the answer ended has been done then; the task's end may still come.
        let end = ContinuousClock.now + .seconds(10)
        while kept != nil, ContinuousClock.now < end {
            try await context.eventLoop.submit {}.get()
            await Task.yield()
        }
        #expect(kept == nil)
    }

    @Test func aRefusalIsAnAnswer() async throws {
        let answer = try await caller.ask(route { _ in throw MartletError(.invalidBody) }, request(""))
        #expect(answer.status == ErrorCode.invalidBody.status)
        #expect(String(buffer: answer.body).contains("invalid_body"))
    }

    @Test func aBodyThatTheRouteWouldNotTakeIsNotSent() async throws {
        let error = await #expect(throws: MartletError.self) {
            try await caller.ask(route { $0 }, request(String(repeating: "x", count: 1 << 20 + 1)))
        }
        #expect(error?.code == .bodyTooLarge)
    }

    @Test func anAnswerBeyondTheLimitIsNone() async throws {
        await #expect(throws: MartletError.self) {
            try await caller.ask(route { _ in String(repeating: "x", count: 101) }, request(""), limit: 100)
        }
        #expect(try await heldBytes() == 0)
    }

    @Test func aCancelledTaskIsAClientThatLeaves() async throws {
        let (began, beginning) = AsyncStream<Void>.makeStream()
        let (ended, ending) = AsyncStream<Void>.makeStream()
        let slow = route { _ in
            beginning.finish()
            defer { ending.finish() }
            try await Task.sleep(for: .seconds(60))
            return "{}"
        }
        let asking = Task { [caller] in try await caller.ask(slow, request("")) }
        for await _ in began {}
        asking.cancel()
        await #expect(throws: CancellationError.self) { try await asking.value }
        // The handler's own task is cancelled: it ends long before its minute.
        for await _ in ended {}
    }

    // MARK: Piece by piece

    /// Writes pieces until it is told to stop.
    private final class Endless: LocalHandler {
        let written = Mutex(0)
        let ended = AsyncStream<Void>.makeStream()

        func handle(_ request: LocalRequest) async throws -> LocalResponse {
            LocalResponse(contentType: "text/plain") { writer in
                defer { self.ended.continuation.finish() }
                while true {
                    try await writer.write(ByteBuffer(repeating: 120, count: 1000))
                    self.written.withLock { $0 += 1 }
                }
            }
        }
    }

    private func route(to handler: any LocalHandler) -> Route {
        Route(index: 0, path: "/model", destination: .local(handler), bodyLimit: 1 << 20)
    }

    @Test func aStreamIsReadWhileItIsWrittenAndNoFasterThanItIsRead() async throws {
        let handler = Endless()
        try await caller.ask(route(to: handler), request("")) { answer in
            #expect(answer.status == 200)
            var read = 0
            for try await piece in answer.body {
                read += piece.readableBytes
                if read > 1_000_000 { break }
            }
            // What is written and not read yet is bounded, whoever is faster.
            #expect(handler.written.withLock { $0 } * 1000 - read < 1_000_000)
        }
        // Who does not read on has left.
        for await _ in handler.ended.stream {}
        while try await heldBytes() != 0 { await Task.yield() }
    }

    @Test func aStreamThatFailsIsBrokenOff() async throws {
        final class Failing: LocalHandler {
            func handle(_ request: LocalRequest) async throws -> LocalResponse {
                LocalResponse(contentType: "text/plain") { writer in
                    try await writer.write(ByteBuffer(string: "some"))
                    throw MartletError(.workerFailed)
                }
            }
        }
        var text = ""
        await #expect(throws: MartletError.self) {
            text = try await caller.ask(route(to: Failing()), request("")) { answer in
                var text = ""
                for try await piece in answer.body { text += String(buffer: piece) }
                return text
            }
        }
        #expect(text == "")
    }

    @Test func aDeadlineEndsTheRequest() async throws {
        var hurried = request("")
        hurried.deadline = .current + .milliseconds(20)
        let answer = try await caller.ask(
            route { _ in
                try await Task.sleep(for: .seconds(60))
                return "{}"
            }, hurried)
        #expect(answer.status == 504)
    }
}
