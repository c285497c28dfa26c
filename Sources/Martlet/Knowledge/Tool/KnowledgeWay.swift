import Logging
import MartletBase
import MartletKnowledge
import MartletNet
import NIOPosix

/// Where the command line finds knowledge.
package struct KnowledgePlace: Sendable {
    /// Of a server; nil: the store is opened in this process.
    package var url: String?
    /// Shown to the server; nil: as the environment says.
    package var key: String?
    /// A file; nil: what holds without one.
    package var configuration: String?
    package var environment: [String: String]

    package init(url: String?, key: String?, configuration: String?, environment: [String: String]) {
        (self.url, self.key, self.configuration, self.environment) = (url, key, configuration, environment)
    }
}

/// How the command line reaches knowledge: a server's, or the store itself.
enum KnowledgeWay {
    /// - Returns: The desk, and what ends its use.
    /// - Throws: `KnowledgeError`, `ConfigurationError`.
    static func open(_ place: KnowledgePlace) async throws -> (desk: any KnowledgeDesk, close: () async -> Void) {
        if let url = place.url {
            let desk = try RemoteDesk(url, key: place.key.map { Secret($0) } ?? Keyed.key(in: place.environment))
            return (desk, { desk.close() })
        }
        let configuration = try configuration(place)
        let front = KnowledgeFront()
        let resolver = NameResolver()
        let client = HTTPClient(group: MultiThreadedEventLoopGroup.singleton, resolver: resolver)
        do {
            try await front.open(
                configuration, models: [], dispatch: nil, client: client,
                logger: Logger(label: "martlet.kb") { _ in SwiftLogNoOpLogHandler() })
        } catch {
            resolver.shutdown()
            if let error = error as? KnowledgeError { throw told(error) }
            throw error
        }
        guard let desk = front.desk else { throw KnowledgeError(.invalid, "There is no knowledge here.") }
        let models = Task { await front.runModels() }
        return (desk, {
            models.cancel()
            await models.value
            await front.close()
            resolver.shutdown()
        })
    }

    /// The folder of the store on this machine, for what is done to it as a whole.
    ///
    /// - Throws: `invalid`: the store is no folder of this machine; `ConfigurationError`.
    static func folder(_ place: KnowledgePlace) throws -> String {
        guard place.url == nil else {
            throw KnowledgeError(.invalid, "This is done where the store is, and not over --url.")
        }
        guard case .folder(let path) = try configuration(place).store else {
            throw KnowledgeError(.invalid, "The store is a Chroma server's: use what it has for this.")
        }
        return path
    }

    /// The store is one process's at a time.
    static func told(_ error: KnowledgeError) -> KnowledgeError {
        guard error.code == .inUse else { return error }
        return KnowledgeError(
            .inUse, "Another process has this knowledge store: ask it with --url, such as http://127.0.0.1:8080.")
    }

    private static func configuration(_ place: KnowledgePlace) throws -> KnowledgeConfiguration {
        guard let file = place.configuration else { return KnowledgeConfiguration() }
        guard let knowledge = try Configuration.load(file: file, environment: place.environment).knowledge else {
            throw KnowledgeError(.invalid, "\(file) has no `knowledge`.")
        }
        return knowledge
    }
}
