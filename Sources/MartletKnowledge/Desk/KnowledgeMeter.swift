package import MartletBase
import MartletNet
package import MartletTelemetry
import Synchronization

/// What the knowledge room did since the process began, counted where it is done.
package final class KnowledgeMeter: Sendable {
    /// What a search takes its time for.
    package enum Arm: String, CaseIterable, Sendable {
        case words
        /// The pass over the vectors, which questions share: each of them takes as long as the pass.
        case vectors
        /// From a query to its passages, from all bases that it asks, with their waiting and their new order.
        case whole
    }

    /// What became of a question.
    package enum Outcome: String, CaseIterable, Sendable {
        case answered, cached, refused, degraded
        /// There was an error instead.
        case failed
        /// Whoever asked did not wait for the end.
        case left
    }

    private struct Counts: Sendable {
        var searches: [Arm: Histogram<DurationScale>] = [:]
        var answers: [Outcome: UInt64] = [:]
        var ingested = Readings.Knowledge.Ingested()
        var embeddings: [EmbeddingRole: UInt64] = [:]
        var embeddingErrors: [EmbeddingRole: UInt64] = [:]
    }

    private let counts = Mutex(Counts())

    package init() {}

    /// - Parameter questions: How many of them share the time.
    package func searched(_ arm: Arm, since begin: Instant, questions: Int = 1) {
        let nanoseconds = UInt64(clamping: (Instant.current - begin).wholeNanoseconds)
        counts.withLock { counts in
            for _ in 0..<questions { counts.searches[arm, default: Histogram()].observe(nanoseconds) }
        }
    }

    func ended(_ outcome: Outcome) {
        counts.withLock { $0.answers[outcome, default: 0] += 1 }
    }

    func ingested(_ document: PreparedDocument) {
        counts.withLock { counts in
            counts.ingested.documents += 1
            counts.ingested.chunks += UInt64(document.parts.count)
            counts.ingested.bytes += UInt64(clamping: document.bytes)
        }
    }

    fileprivate func embedded(_ role: EmbeddingRole, failed: Bool) {
        counts.withLock { counts in
            counts.embeddings[role, default: 0] += 1
            if failed { counts.embeddingErrors[role, default: 0] += 1 }
        }
    }

    /// Fills in what is counted here; at zero from the start, so that a rate over a first increase is seen.
    package func fill(_ readings: inout Readings.Knowledge) {
        let counts = counts.withLock { $0 }
        readings.searches = Arm.allCases.map { ($0.rawValue, counts.searches[$0] ?? Histogram()) }
        readings.answers = Outcome.allCases.map { ($0.rawValue, counts.answers[$0] ?? 0) }
        readings.ingested = counts.ingested
        readings.embeddings = EmbeddingRole.allCases.map { ($0.rawValue, counts.embeddings[$0] ?? 0) }
        readings.embeddingErrors = EmbeddingRole.allCases.map { ($0.rawValue, counts.embeddingErrors[$0] ?? 0) }
    }
}

extension KnowledgeMeter.Outcome {
    init(_ kind: AnswerEnd.Kind) {
        self =
            switch kind {
            case .answered: .answered
            case .cached: .cached
            case .refused: .refused
            case .degraded: .degraded
            }
    }
}

extension Embedder {
    /// The same, counted. Who gives up is no error.
    func embed(
        _ texts: [String], as role: EmbeddingRole, countedBy meter: KnowledgeMeter
    ) async throws -> [[Float]] {
        do {
            let vectors = try await embed(texts, as: role)
            meter.embedded(role, failed: false)
            return vectors
        } catch {
            meter.embedded(role, failed: !(error is CancellationError))
            throw error
        }
    }
}
