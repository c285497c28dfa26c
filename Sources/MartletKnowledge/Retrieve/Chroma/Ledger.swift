/// What the lines of the ledger that a node has read amount to: on every node that has read as many the same.
struct Ledger: Sendable {
    /// Lines that are read; the number of the last one.
    private(set) var lines = 0
    /// By their ids.
    private var all: [String: LedgerBase] = [:]
    private var ids: [String: String] = [:]
    /// Tokens of the last lines: a writer that did not hear of its line may have written it twice.
    private var tokens: [Int] = []
    private static let remembered = 1024

    func base(_ name: String) throws -> LedgerBase {
        guard let base = ids[name].flatMap({ all[$0] }) else { throw EmbeddedEngine.noBase(name) }
        return base
    }

    /// By name.
    var bases: [LedgerBase] { all.values.sorted { $0.name < $1.name } }

    /// The line that comes next.
    ///
    /// - Returns: nil: it was there before.
    mutating func read(_ line: LedgerLine) throws -> LedgerOutcome? {
        lines += 1
        guard !tokens.contains(line.token) else { return nil }
        if tokens.count == Self.remembered { tokens.removeFirst(Self.remembered / 2) }
        tokens.append(line.token)
        do {
            return try apply(line.change, lines)
        } catch let error as KnowledgeError {
            return LedgerOutcome(refusal: error)
        }
    }

    private mutating func apply(_ change: LedgerChange, _ epoch: Int) throws -> LedgerOutcome {
        switch change {
        case .create(let base): return try create(base, epoch)
        case .remove(let id): return try remove(id)
        case .describe(let id, let description):
            return try with(id) { base in
                base.description = description
                return LedgerOutcome()
            }
        case .begin(let id, let space):
            return try with(id) { base in
                let given = base.next.map { [$0.collection] } ?? []
                base.next = space
                return LedgerOutcome(sweptCollections: given)
            }
        case .change(let id, let space, let expected):
            return try with(id) { base in
                guard let next = base.next, next.id == space, base.epoch == expected else {
                    throw KnowledgeError(.unavailable, "\(base.name) was changed meanwhile.")
                }
                return LedgerOutcome(sweptCollections: [base.change(to: next, epoch: epoch)])
            }
        case .put(let id, let space, let document, let file):
            return try with(id) { base in
                guard base.space.id == space else {
                    throw KnowledgeError(.wrongModel, "The vectors of \(base.name) are of another model by now.")
                }
                return try base.put(document, file, epoch: epoch)
            }
        case .delete(let id, let names, let files):
            return try with(id) { $0.delete(names, files: files, epoch: epoch) }
        }
    }

    private mutating func create(_ base: NewBase, _ epoch: Int) throws(KnowledgeError) -> LedgerOutcome {
        guard ids[base.name] == nil else {
            throw KnowledgeError(.alreadyExists, "There is a knowledge base \(base.name) already.")
        }
        ids[base.name] = base.id
        all[base.id] = LedgerBase(base, epoch: epoch)
        return LedgerOutcome()
    }

    private mutating func remove(_ id: String) throws(KnowledgeError) -> LedgerOutcome {
        guard let base = all.removeValue(forKey: id) else { throw Self.gone }
        ids[base.name] = nil
        let collections = [base.collection, base.space.collection] + (base.next.map { [$0.collection] } ?? [])
        return LedgerOutcome(sweptCollections: collections)
    }

    private mutating func with(
        _ id: String, _ change: (inout LedgerBase) throws -> LedgerOutcome
    ) throws -> LedgerOutcome {
        // Taken out, so that it is changed where it is.
        guard var base = all.removeValue(forKey: id) else { throw Self.gone }
        defer { all[id] = base }
        return try change(&base)
    }

    private static let gone = KnowledgeError(.notFound, "The knowledge base was removed meanwhile.")
}
