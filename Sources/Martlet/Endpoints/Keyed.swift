import MartletBase
import MartletExchange
import MartletWire

/// Asks for the key that `LIT_SERVER_API_KEY` sets, before what this process answers itself: models and chains in
/// Swift, and what is served beside the APIs of apps. Those ask for it in their workers, unless they have an
/// `authorize` of their own.
final class Keyed: LocalHandler {
    private let handler: any LocalHandler
    private let key: Secret

    private init(_ handler: any LocalHandler, key: Secret) {
        self.handler = handler
        self.key = key
    }

    /// The key of these variables; nil: none is asked for.
    static func key(in environment: [String: String]) -> Secret? {
        environment["LIT_SERVER_API_KEY"].flatMap { $0.isEmpty ? nil : Secret($0) }
    }

    /// - Parameter key: nil: whoever asks may.
    static func guarding(_ handler: any LocalHandler, by key: Secret?) -> any LocalHandler {
        guard let key else { return handler }
        return Keyed(handler, key: key)
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        guard key.matches(request.headers.value(named: "x-api-key") ?? "") else {
            return .detail("The X-API-Key header does not hold the server's key", status: 401)
        }
        return try await handler.handle(request)
    }
}
