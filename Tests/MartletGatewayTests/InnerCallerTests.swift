import MartletBase
import MartletExchange
import MartletGateway
import MartletTesting
import MartletWire
import NIOCore
import NIOPosix
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

    @Test func aRefusalIsAnAnswer() async throws {
        let answer = try await caller.ask(route { _ in throw MartletError(.invalidBody) }, request(""))
        #expect(answer.status == ErrorCode.invalidBody.status)
        #expect(String(buffer: answer.body).contains("invalid_body"))
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
}
