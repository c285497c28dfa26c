import MartletBase
import MartletExchange
import MartletWire

/// In front of all that knowledge serves to clients: pages of other sites change nothing here, whatever path they send
/// their form to, and who has no key gets nothing where one is asked for.
final class KnowledgeDoor: UploadHandler {
    private let handler: any UploadHandler
    private let key: Secret?

    /// - Parameter key: What clients must show in `X-API-Key`; nil: nothing, or the route asks for it.
    init(_ handler: any UploadHandler, key: Secret? = nil) {
        (self.handler, self.key) = (handler, key)
    }

    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
        guard key?.matches(request.headers.value(.xAPIKey) ?? "") ?? true else {
            throw MartletError(.unauthorized, cause: "the X-API-Key header does not hold the server's key")
        }
        guard [.get, .head].contains(request.method) || RequestOrigin.isOwn(request.headers) else {
            throw MartletError(.unauthorized, cause: "pages of other sites may not change or ask knowledge")
        }
        return try await handler.handle(request, body: body)
    }
}
