import Foundation
import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTasks
import MartletWire
import NIOCore

/// `martlet.request`: a task that is a request to a route of this server. It goes through the dispatcher at background
/// priority, so that it waits for whoever is served at once, and fills what they leave.
///
/// Its keyword arguments: `path` (with the query), `method` (`POST` without it), `headers`, and one of `body` (JSON),
/// `body_text` and `body_base64`; or by place the path and a JSON body. Its result: `status`, `headers`, and the body
/// in one of the same forms. What ``CallVerdict`` says decides about other answers. While an event stream comes, its
/// text so far is progress: `{"body_text": …}`.
struct ModelCalls: TaskExecutor {
    static let name = TaskSubmission.requestTask
    /// Bytes of an answer.
    private static let bound = 16 << 20

    let routes: RoutesInForce
    let caller: InnerCaller

    var tasks: [TaskDescription] {
        var description = TaskDescription(name: Self.name)
        description.rules.retry.maximumRetries = 5
        description.rules.retry.base = .seconds(1)
        description.rules.retry.longest = .seconds(300)
        return [description]
    }

    func run(_ run: TaskRun) async -> TaskOutcome {
        let began = Instant.current
        do {
            let call = try ModelCall(run.message)
            guard let (route, key) = routes.route(to: call.path, method: call.method) else {
                return .failure(TaskFailure("LookupError", "nothing is served at \(call.path)"), runtime: 0)
            }
            // Whoever waits for a place, as long as the task has time, has not been asked yet.
            while true {
                let request = call.request(key: key, deadline: run.deadline)
                let (outcome, pause) = try await caller.ask(route, request) { answer in
                    try await Self.outcome(answer, of: call, run, since: began)
                }
                let isOver = run.message.expires.map { Double($0) <= Date().timeIntervalSince1970 * 1000 } ?? false
                guard let pause, !isOver, pause < run.deadline - .current else { return outcome }
                try await Task.sleep(for: pause * Double.random(in: 0.75...1.25))
            }
        } catch let failure as TaskFailure {
            return .failure(failure, runtime: 0)
        } catch let error as MartletError {
            if Task.isCancelled { return .cancelled }
            let failure = TaskFailure("ConnectionError", "\(error.code.text): \(error.cause)")
            return error.code.fault == .caller ? .failure(failure, runtime: 0) : .retry(failure, delay: nil)
        } catch {
            return Task.isCancelled || error is CancellationError
                ? .cancelled : .retry(TaskFailure("ConnectionError", "\(error)"), delay: nil)
        }
    }

    /// - Returns: what it means for the task, and after what pause it is asked again instead; nil: it is not.
    private static func outcome(
        _ answer: InnerAnswer, of call: ModelCall, _ run: TaskRun, since began: Instant
    ) async throws -> (TaskOutcome, Duration?) {
        let result: RawJSON
        do {
            result = try await read(answer, run)
        } catch let error as MartletError where !call.method.isIdempotent && !Task.isCancelled {
            // Something was done: another time may do it twice.
            throw TaskFailure("ConnectionError", "\(error.code.text): \(error.cause)")
        }
        let runtime = (Instant.current - began).inSeconds
        let text = "status \(answer.status): \(result["body_text"]?.string ?? result["body"]?.text ?? "")"
        let failure = TaskFailure("ConnectionError", String(text.prefix(1000)))
        let verdict = CallVerdict(
            status: answer.status, code: result["body"]?["error"]?["code"]?.string,
            retryAfter: answer.headers.value(.retryAfter).flatMap { Double($0) }, method: call.method)
        return switch verdict {
        case .stands: (.success(result, runtime: runtime), nil)
        case .waits(let pause): (.retry(failure, delay: pause.inSeconds), pause)
        case .triesAgain(let delay): (.retry(failure, delay: delay), nil)
        case .fails: (.failure(failure, runtime: runtime), nil)
        }
    }

    private static func read(_ answer: InnerAnswer, _ run: TaskRun) async throws -> RawJSON {
        let type = answer.headers.value(.contentType) ?? ""
        let isStream = ["text/event-stream", "application/x-ndjson"].contains { type.hasPrefix($0) }
        var (body, text) = (ByteBuffer(), StreamedText())
        for try await piece in answer.body {
            guard body.readableBytes + piece.readableBytes <= bound else {
                throw TaskFailure("OverflowError", "the answer has more than \(bound) bytes")
            }
            body.writeImmutableBuffer(piece)
            guard isStream, answer.status < 300, let said = text.add(piece, now: .current) else { continue }
            await run.progress(RawJSON(["body_text": .string(said)]))
        }
        if let said = text.rest(), isStream { await run.progress(RawJSON(["body_text": .string(said)])) }
        return result(answer, type, body)
    }

    /// What the client of the task gets.
    static func result(_ answer: InnerAnswer, _ type: String, _ body: ByteBuffer) -> RawJSON {
        var result = RawObject()
        result["status"] = RawJSON(.integer(Int64(answer.status)))
        result["headers"] = RawJSON(["content-type": .string(type)])
        let bytes = Array(body.readableBytesView)
        if type.contains("json"), !type.contains("ndjson"), let value = try? RawJSON(bytes) {
            result["body"] = value
        } else if let text = String(validating: bytes, as: UTF8.self) {
            result["body_text"] = RawJSON(text)
        } else {
            result["body_base64"] = RawJSON(Data(bytes).base64EncodedString())
        }
        return result.json
    }
}

/// The request that a task stands for.
struct ModelCall {
    static let methods: [String: MartletWire.Method] = [
        "GET": .get, "POST": .post, "PUT": .put, "PATCH": .patch, "DELETE": .delete,
    ]

    /// Without the query.
    let path: String
    private let query: String
    let method: MartletWire.Method
    private var headers = HeaderBlock()
    private let body: ByteBuffer

    /// Throws a `TaskFailure`, which says what is wrong.
    init(_ message: TaskMessage) throws {
        func stated(_ name: String, _ place: Int? = nil) -> RawJSON? {
            message.kwargs[name] ?? place.flatMap { message.args.element($0) }
        }
        guard let target = stated("path", 0)?.string, target.hasPrefix("/") else {
            throw TaskFailure("ValueError", "`path` is no path of this server, such as /v1/chat/completions")
        }
        (path, query) = Self.parts(of: target)
        let verb = stated("method")?.string ?? "POST"
        guard let method = Self.methods[verb] else { throw TaskFailure("ValueError", "`method` is no \(verb)") }
        self.method = method
        if let text = stated("body_text")?.string {
            body = ByteBuffer(string: text)
        } else if let text = stated("body_base64")?.string {
            guard let bytes = Data(base64Encoded: text) else {
                throw TaskFailure("ValueError", "`body_base64` is no base64")
            }
            body = ByteBuffer(bytes: bytes)
        } else if let value = stated("body", 1), !value.isNull {
            body = ByteBuffer(bytes: value.bytes)
            headers.append(.contentType, "application/json")
        } else {
            body = ByteBuffer()
        }
        guard case .object(let fields)? = stated("headers")?.value else { return }
        for (name, value) in fields {
            guard case .string(let text) = value, Self.isField(name, text) else {
                throw TaskFailure("ValueError", "`headers.\(name.prefix(64))` is no field of a request")
            }
            if name.lowercased() == "content-type" {
                headers.remove([.contentType])
            }
            headers.append(name, text)
        }
        // As of a request that is answered later: who asks, and where from, is not for the task to say.
        headers.remove(AsyncRequest.dropped)
    }

    static func parts(of target: String) -> (path: String, query: String) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
    }

    private static func isField(_ name: String, _ text: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { 0x21...0x7e ~= $0 && $0 != UInt8(ascii: ":") }
            && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }

    /// - Parameter key: What clients of the route must show; nil: nothing.
    func request(key: Secret?, deadline: Instant) -> LocalRequest {
        var headers = headers
        if let key { headers.append("X-API-Key", key.exposed) }
        var request = LocalRequest(
            method: method, path: path, query: query, headers: headers, body: body, clientAddress: "127.0.0.1")
        request.deadline = deadline
        request.priority = .background
        return request
    }
}
