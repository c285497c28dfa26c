/// A question whose answer is kept: what decides whether it still holds, and what it takes to search for it again.
public struct CachedQuestion: Sendable, Equatable, Codable {
    public var id: Int
    public let text: String
    /// Of length 1; nil: it was searched for by words alone.
    public var vector: [Float]?
    public let bases: [String]
    public let filter: DocumentFilter?
    public let limit: Int
    public let minimumScore: Double
    public let minimumCosine: Double?
    /// What its answer rests on: where less was shown to the model than was found, a search never finds the same.
    public let found: Set<ChunkID>
    /// Names of the documents that these are of, by their bases.
    let documents: [String: Set<String>]

    /// What a change makes of its answer.
    public enum Fate: Sendable, Equatable {
        case goes, isCarriedOver
        /// That is seen when it is searched for again.
        case isOpen
        /// It was found in the change's epoch already, or in a later one.
        case isUntouched
    }

    public init(id: Int, _ text: String, _ vector: [Float]?, _ scope: AnswerScope, _ answer: CachedAnswer) {
        self.id = id
        self.text = text
        self.vector = vector
        (bases, filter, limit) = (scope.bases, scope.filter, scope.limit)
        (minimumScore, minimumCosine) = (scope.minimumScore, scope.minimumCosine)
        found = Set(answer.sources.map(\.id))
        documents = answer.sources.reduce(into: [:]) { $0[$1.document.base, default: []].insert($1.document.name) }
    }

    /// - Parameter epoch: Of the change's base, as the answer was found or carried over to.
    public func fate(under change: BaseChange, foundIn epoch: Int) -> Fate {
        guard epoch < change.epoch else { return .isUntouched }
        let isTouched =
            !found.isDisjoint(with: change.gone)
            || !(documents[change.base] ?? []).isDisjoint(with: change.documents)
        // A change that was missed carries nothing over.
        guard !isTouched, epoch == change.previous else { return .goes }
        return change.movesScores ? .isOpen : .isCarriedOver
    }
}
