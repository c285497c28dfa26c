/// The embedders of a configuration, by name.
package struct EmbeddingRegistry: Sendable {
    package enum Entry: Sendable {
        case known(any Embedder)
        /// One that is opened when it is needed, by the name that its model has.
        ///
        /// `open` gives the same one each time; it throws `KnowledgeError`, where its files are not there.
        case lazy(model: String, open: @Sendable () throws -> any Embedder)
        /// One whose vectors' length only its backend knows: `with` makes it for vectors of a length, `measure` asks.
        case remote(
            name: String, version: String, with: @Sendable (_ dimensions: Int) -> any Embedder,
            measure: @Sendable () async throws -> any Embedder)
    }

    private let entries: [String: Entry]
    private let standard: String

    /// - Parameter standard: The one of bases that name none.
    /// - Throws: `KnowledgeError.notFound` when `standard` is none of them.
    package init(_ entries: [String: Entry], standard: String) throws(KnowledgeError) {
        self.entries = entries
        self.standard = standard
        _ = try entry(named: standard)
    }

    /// As they may be asked for.
    package var names: Set<String> { Set(entries.keys) }

    /// - Parameter name: As the configuration has it; nil: the standard one.
    /// - Throws: `KnowledgeError`: `notFound`; `unavailable`, where its backend does not answer.
    package func embedder(named name: String?) async throws -> any Embedder {
        switch try entry(named: name ?? standard) {
        case .known(let embedder): embedder
        case .lazy(_, let open): try open()
        case .remote(_, _, _, let measure): try await measure()
        }
    }

    private func entry(named name: String) throws(KnowledgeError) -> Entry {
        guard let entry = entries[name] else {
            let names = entries.keys.sorted().joined(separator: ", ")
            throw KnowledgeError(.notFound, "There is no embedding \(name): it is one of \(names).")
        }
        return entry
    }

    /// The embedder whose vectors may stand beside those that a base has already.
    ///
    /// - Throws: `KnowledgeError.wrongModel` when none of them is of that model in that version.
    package func embedder(for model: EmbeddingModel) throws -> any Embedder {
        for (_, entry) in entries.sorted(by: { $0.key < $1.key }) {
            if let embedder = Self.embedder(of: entry, for: model) { return embedder }
        }
        let others = Set(entries.map { "\($0) (\(Self.text($1)))" }).sorted().joined(separator: ", ")
        throw KnowledgeError(
            .wrongModel,
            """
            The vectors are of \(model.name) \(model.version) (\(model.dimensions) dimensions), which is not here; \
            there is \(others). Configure that model again, or have the base embedded anew: `martlet kb reembed`.
            """)
    }

    /// Whether bases that name none are made with that model.
    package func isStandard(_ model: EmbeddingModel) -> Bool {
        entries[standard].flatMap { Self.embedder(of: $0, for: model) } != nil
    }

    /// - Returns: nil: it is another one, or cannot be opened.
    private static func embedder(of entry: Entry, for model: EmbeddingModel) -> (any Embedder)? {
        switch entry {
        case .known(let embedder): embedder.model == model ? embedder : nil
        case .lazy(model.name, let open): (try? open()).flatMap { $0.model == model ? $0 : nil }
        case .lazy: nil
        case .remote(model.name, model.version, let with, _): with(model.dimensions)
        case .remote: nil
        }
    }

    private static func text(_ entry: Entry) -> String {
        switch entry {
        case .known(let embedder):
            "\(embedder.model.name) \(embedder.model.version), \(embedder.model.dimensions) dimensions"
        case .lazy(let model, _): model
        case .remote(let name, let version, _, _): version.isEmpty ? name : "\(name) \(version)"
        }
    }
}
