/// Which vectors of a document's old version serve its new one, so that only what is new is embedded.
public struct ChunkDiff: Sendable, Equatable {
    /// Chunks of one key have one vector.
    public struct Key: Sendable, Hashable {
        /// What is embedded: the chunk's text, with whatever is put in front of it.
        public var text: String
        /// Name and version.
        public var model: String

        public init(text: String, model: String) {
            self.text = text
            self.model = model
        }
    }

    /// Where the vector of a new chunk comes from.
    public enum Source: Sendable, Equatable {
        /// The chunk at this place of the old version.
        case old(Int)
        /// The text at this place of ``embedded``.
        case embedded(Int)
    }

    /// For each chunk of the new version.
    public private(set) var sources: [Source] = []
    /// The new chunks whose texts must be embedded, ascending: each text once.
    public private(set) var embedded: [Int] = []

    public init(old: [Key], new: [Key]) {
        var known: [Key: Source] = [:]
        for (index, key) in old.enumerated() where known[key] == nil { known[key] = .old(index) }
        for (index, key) in new.enumerated() {
            let source = known[key] ?? .embedded(embedded.count)
            if known.updateValue(source, forKey: key) == nil { embedded.append(index) }
            sources.append(source)
        }
    }
}
