import MartletKnowledge

/// The process of its own that e5's engine runs in.
package enum E5Process {
    /// The hidden command that is it.
    package static let command = "e5-child"

    /// Answers what comes over standard input until that ends.
    ///
    /// - Throws: `KnowledgeError`, when the engine cannot be loaded.
    package static func run(folder: String) throws { try E5Child.run(folder: folder) }
}
