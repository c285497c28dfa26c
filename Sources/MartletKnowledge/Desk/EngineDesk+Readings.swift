import Foundation
import MartletLogic
package import MartletTelemetry

// What its operator sees.
extension EngineDesk {
    /// Bases that have numbers of their own, the largest: names are their users', and there may be any number of them.
    private static let mostBases = 100

    /// - Parameter isShown: Whether a base is somebody's, by its name: others are not told of.
    package func readings(showing isShown: (String) -> Bool = { _ in true }) async -> Readings.Knowledge {
        var readings = Readings.Knowledge()
        meter.fill(&readings)
        readings.answersUnderWay = underWay
        (readings.reading, readings.waiting) = ingests.load
        if let figures = cache?.figures {
            readings.cache = [
                ("hit", UInt64(figures.hits)), ("near_hit", UInt64(figures.nearHits)), ("kept", UInt64(figures.kept)),
                ("dropped", UInt64(figures.dropped)), ("carried", UInt64(figures.carried)),
            ]
        }
        // Where the store does not answer, the rest is worth knowing all the more.
        let bases = ((try? await bases()) ?? []).filter { isShown($0.name) }
        readings.baseCount = bases.count
        let now = Date().timeIntervalSince1970
        let largest = bases.sorted { ($1.chunks, $0.name) < ($0.chunks, $1.name) }.prefix(Self.mostBases)
        readings.bases = largest.map {
            .init($0.name, documents: $0.documents, chunks: $0.chunks, ageSeconds: max(0, now - $0.changed))
        }
        return readings
    }
}
