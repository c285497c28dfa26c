import MartletBase
import MartletExchange
import MartletWire

/// In front of all that knowledge serves to clients: pages of other sites change nothing here, whatever path they send
/// their form to, and who has no key gets nothing where one is asked for. Models that are asked for a client's request
/// are asked in the client's name.
final class KnowledgeDoor: UploadHandler {
    private let handler: any UploadHandler
    private let key: Secret?
    private let dispatch: Dispatch?

    /// - Parameters:
    ///   - key: What clients must show; nil: nothing, or the route asks for it.
    ///   - dispatch: Asks models; nil: there are none.
    init(_ handler: any UploadHandler, key: Secret? = nil, dispatch: Dispatch? = nil) {
        (self.handler, self.key, self.dispatch) = (handler, key, dispatch)
    }

    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
        guard key.map(request.headers.show) ?? true else {
            throw MartletError(.unauthorized, cause: "the X-API-Key header does not hold the server's key")
        }
        guard [.get, .head].contains(request.method) || RequestOrigin.isOwn(request.headers) else {
            throw MartletError(.unauthorized, cause: "pages of other sites may not change or ask knowledge")
        }
        let run = dispatch.map { Run(asking: $0.serving(request)) }
        return try await Run.$current.withValue(run) { try await handler.handle(request, body: body) }
    }
}
