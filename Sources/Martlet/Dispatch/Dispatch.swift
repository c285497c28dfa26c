import Foundation
import MartletBase
import MartletExchange
import MartletGateway
import MartletWire
import NIOCore
import Synchronization

/// Where code inside this process asks models: the server's own routes, through the dispatcher, in the name of the
/// client that it works for.
struct Dispatch: Sendable {
    private let caller: InnerCaller
    private let routes: RoutesInForce
    private var client = "127.0.0.1"
    private var deadline = Instant.never
    private var priority = PriorityClass.interactive

    init(_ loops: LoopTable, _ routes: RoutesInForce) {
        caller = InnerCaller(loops)
        self.routes = routes
    }

    /// For what is asked to answer `request`: models are called off by its deadline.
    func serving(_ request: LocalRequest) -> Dispatch {
        var dispatch = self
        dispatch.client = request.clientAddress
        dispatch.deadline = request.deadline
        dispatch.priority = request.priority
        return dispatch
    }

    /// For what is asked to answer several requests: models are called off by `deadline`.
    func until(_ deadline: Instant) -> Dispatch {
        var dispatch = self
        dispatch.deadline = deadline
        return dispatch
    }

    /// For what nobody waits for at a screen: it fills what others leave.
    func inBackground() -> Dispatch {
        var dispatch = self
        dispatch.priority = .background
        return dispatch
    }

    /// Posts JSON to `path` and hands the answer to `read` as soon as it begins. It is called off when the task is
    /// cancelled, or `read` returns before its end.
    ///
    /// - Throws: ``ModelError``, where the answer is none of success.
    func post<Value: Sendable>(
        _ path: String, _ body: JSON, read: (InnerBody) async throws -> Value
    ) async throws -> Value {
        guard let (route, key) = routes.route(to: path) else {
            throw ModelError(status: 404, code: "not_found", message: "no model is configured")
        }
        var headers = HeaderBlock()
        headers.append(.contentType, "application/json")
        // Who got in to a chain gets in to the models of this server.
        if let key { headers.append("X-API-Key", key.exposed) }
        var request = LocalRequest(
            method: .post, path: path, query: "", headers: headers, body: ByteBuffer(string: body.text),
            clientAddress: client)
        request.deadline = deadline
        request.priority = priority
        return try await caller.ask(route, request) { answer in
            guard (200..<300).contains(answer.status) else { throw try await ModelError(answer) }
            return try await read(answer.body)
        }
    }
}

/// The routes that a server has at present.
final class RoutesInForce: Sendable {
    private let state = Mutex((open: Router([]), inner: Router([]), own: [OwnPool]()))

    /// - Parameters:
    ///   - inner: Those that no client asks, only this server.
    ///   - own: The pools whose targets are this server's workers, or this process.
    func adopt(_ routes: [Route], inner: [Route] = [], own: [OwnPool]) {
        state.withLock { $0 = (Router(routes), Router(inner), own) }
    }

    /// The route to what only this server asks.
    func innerRoute(to path: String) -> Route? {
        let head = Self.head(.post, path)
        return state.withLock { $0.inner.match(head) }
    }

    /// The route to what is at `path`, and the key to show there: none where a backend elsewhere is asked, whose
    /// business it is not.
    func route(to path: String, method: MartletWire.Method = .post) -> (route: Route, key: Secret?)? {
        let head = Self.head(method, path)
        return state.withLock { state in
            guard let route = state.open.match(head) else { return nil }
            guard case .pool(let pool) = route.destination else { return (route, nil) }
            return (route, state.own.first { $0.pool === pool }?.key)
        }
    }

    private static func head(_ method: MartletWire.Method, _ path: String) -> RequestHead {
        RequestHead(method: method, target: ByteBuffer(string: path), authority: ByteBuffer(), headers: HeaderBlock())
    }
}

/// A pool whose targets are this server's workers, or this process.
struct OwnPool: Sendable {
    let pool: Pool
    /// What its clients must show; nil: nothing.
    let key: Secret?
}

/// A model's own refusal, or the server's in front of it.
public struct ModelError: Error, Sendable, CustomStringConvertible {
    /// As of HTTP.
    public let status: Int
    /// The machine-readable code, such as `queue_full`; empty where there is none.
    public let code: String
    public let message: String
    /// In how many seconds to try again, where it says so.
    public let retryAfter: Int?

    public var description: String { "\(status) \(code): \(message)" }

    init(status: Int, code: String, message: String, retryAfter: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// Bytes that are read of an error.
    private static let bound = 64 << 10

    fileprivate init(_ answer: InnerAnswer) async throws {
        var body = ByteBuffer()
        for try await piece in answer.body {
            body.writeImmutableBuffer(piece)
            if body.readableBytes >= Self.bound { break }
        }
        let error = (try? JSON.parse(body.readableBytesView))?["error"]
        self.init(
            status: answer.status, code: error?["code"]?.words ?? "",
            message: error?["message"]?.words ?? String(buffer: body),
            retryAfter: answer.headers.value(.retryAfter).flatMap { Int($0) })
    }
}
