import MartletBase
import MartletExchange
import MartletNet
import MartletTasks
import MartletWire
import NIOCore

/// Who may have a route of this server asked by a task: who may ask it at once. The route sees this server later, not
/// the client.
struct RequestDoor: Sendable {
    let routes: RoutesInForce

    /// The submission as it may be queued, without keys: what is in a queue is seen by whoever may look at queues.
    ///
    /// - Throws: `unauthorized` where the route's key is not shown, as `X-API-Key` of the request or of what is to be
    ///   asked; `bad_request` where the route has rules of its own; `not_found`.
    func admit(_ submission: TaskSubmission, from request: LocalRequest) throws(MartletError) -> TaskSubmission {
        guard submission.name == TaskSubmission.requestTask else { return submission }
        var (submission, shown) = (submission, request.headers.value(.xAPIKey))
        if case .object(var fields)? = submission.keywordArguments["headers"] {
            for (name, value) in fields where AsyncRequest.dropped.contains(FieldName(name)) {
                fields[name] = nil
                if FieldName(name) == .xAPIKey, case .string(let key) = value { shown = key }
            }
            submission.keywordArguments["headers"] = .object(fields)
        }
        let stated = submission.keywordArguments["path"] ?? submission.arguments.first
        guard case .string(let target)? = stated, target.hasPrefix("/") else {
            throw MartletError(.invalidBody, cause: "`path` is no path of this server, such as /v1/chat/completions")
        }
        var verb = "POST"
        if case .string(let text)? = submission.keywordArguments["method"] { verb = text }
        guard let method = ModelCall.methods[verb] else {
            throw MartletError(.invalidBody, cause: "`method` is no \(verb.prefix(64))")
        }
        try check(ModelCall.parts(of: target).path, method, shown)
        return submission
    }

    private func check(_ path: String, _ method: MartletWire.Method, _ key: String?) throws(MartletError) {
        guard let (route, _) = routes.route(to: path, method: method) else {
            throw MartletError(.notFound, cause: "nothing is served at \(path.prefix(200))")
        }
        guard !route.asksForMoreThanKeys else {
            throw MartletError(
                .badRequest, cause: "\(path.prefix(200)) sees for itself who may ask: it cannot be asked by a task")
        }
        var headers = HeaderBlock()
        if let key { headers.append(.xAPIKey, key) }
        let head = RequestHead(
            method: method, target: ByteBuffer(string: path), authority: ByteBuffer(), headers: headers)
        guard route.admitsLater(head) else {
            throw MartletError(
                .unauthorized, cause: "the X-API-Key header does not hold the key of \(path.prefix(200))")
        }
    }
}
