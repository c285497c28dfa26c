import Foundation
import MartletBase
import MartletExchange
import MartletNet
import MartletTasks
import MartletWire
import NIOCore

/// A request to a model whose client prefers an answer later (`Prefer: respond-async`, RFC 7240): it becomes a task,
/// and its client is told where to ask for the result.
final class AsyncRequest: LocalHandler {
    /// Not for others to read: what is in a queue is seen by whoever may look at queues. The server's own key is shown
    /// by who asks later on.
    private static let secrets: FieldSet = [.authorization, .proxyAuthorization, .cookie, .xAPIKey, .apiKey]
    /// Of this connection, or of this question.
    static let dropped: FieldSet = FieldSet.hopByHop.union(.framing).union(secrets).union([
        .host, .prefer, .expect, .idempotencyKey, .acceptEncoding, .xRequestID, .xRequestTimeout, .xRequestPriority,
        .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto, .xRealIP,
    ])

    private let desk: TaskDesk

    init(_ desk: TaskDesk) {
        self.desk = desk
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        guard RequestOrigin.isOwn(request.headers) else {
            throw MartletError(.unauthorized, cause: "pages of other sites may not hand tasks in")
        }
        var submission = Self.submission(of: request)
        if let key = request.headers.value(.idempotencyKey) {
            guard TaskName.isValid(key) else {
                throw MartletError(.badRequest, cause: "Idempotency-Key is not a text of 1 to 255 characters")
            }
            submission.idempotencyKey = key
        }
        var response = TasksEndpoint.answer(try await desk.submit(submission))
        response.status = 202
        response.headers.append(("Preference-Applied", "respond-async"))
        return response
    }

    /// The task that asks it again.
    static func submission(of request: LocalRequest) -> TaskSubmission {
        var headers: [String: JSONValue] = [:]
        for field in request.headers.fields where !dropped.contains(field.name) {
            let name = request.headers.name(field).lowercased()
            let value = request.headers.value(field)
            guard case .string(let former)? = headers[name] else {
                headers[name] = .string(value)
                continue
            }
            headers[name] = .string("\(former), \(value)")
        }
        var submission = TaskSubmission(name: TaskSubmission.requestTask)
        let path = request.path + (request.query.isEmpty ? "" : "?\(request.query)")
        submission.keywordArguments = [
            "method": .string(request.method.text), "path": .string(path), "headers": .object(headers),
        ]
        guard request.body.readableBytes > 0 else { return submission }
        // As it came: JSON that is read and written again is not always the same.
        if let text = String(validating: request.body.readableBytesView, as: UTF8.self) {
            submission.keywordArguments["body_text"] = .string(text)
        } else {
            let bytes = Data(request.body.readableBytesView).base64EncodedString()
            submission.keywordArguments["body_base64"] = .string(bytes)
        }
        return submission
    }
}
