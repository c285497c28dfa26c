import MartletBase
import MartletConsole
import MartletExchange

/// Tasks would be handed in by whoever reaches an address.
struct OpenTasks: Error, CustomStringConvertible {
    let address: ListenAddress

    var description: String {
        """
        tasks: whoever reaches \(address) could hand tasks in and call them off: set LIT_SERVER_API_KEY, which clients \
        then show as X-API-Key, or ask for certificates (`tls.client_ca`), or listen on 127.0.0.1 alone
        """
    }

    /// - Throws: itself, where nothing is asked of clients of another machine.
    static func check(_ configuration: Configuration, environment: [String: String]) throws(OpenTasks) {
        guard configuration.tasks != nil, Keyed.key(in: environment) == nil else { return }
        for listen in configuration.listen where !listen.address.isLoopback && listen.tls?.clientCA == nil {
            throw OpenTasks(address: listen.address)
        }
    }
}

/// Where no key is asked for: answers to addresses and `localhost` alone, since a web page can make a name of its own
/// mean this machine.
final class DirectOnly: LocalHandler {
    private let handler: any LocalHandler

    init(_ handler: any LocalHandler) {
        self.handler = handler
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        guard Guarded.isDirect(request) else {
            throw MartletError(
                .unauthorized, cause: "without LIT_SERVER_API_KEY tasks are told to addresses and localhost only")
        }
        return try await handler.handle(request)
    }
}
