import Logging
import MartletBase
import MartletExchange
import MartletGateway
import NIOCore

/// What this process serves itself, loaded: the same targets in every configuration that is put in force.
struct InProcessTargets: Sendable {
    struct Entry: Sendable {
        let served: ServedEndpoint
        let target: LocalTarget
    }

    private(set) var entries: [Entry] = []

    /// Loads all models, side by side.
    ///
    /// - Throws: what a model's `setup` throws.
    static func load(
        _ served: [ServedEndpoint], _ surroundings: ServedEndpoint.Surroundings
    ) async throws -> InProcessTargets {
        let entries = try await inParallel(served.count, atMost: nil) { index in
            Entry(served: served[index], target: LocalTarget(try await served[index].make(surroundings)))
        }
        return InProcessTargets(entries: entries)
    }
}
