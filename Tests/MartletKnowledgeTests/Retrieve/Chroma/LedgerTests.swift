import Testing

@testable import MartletKnowledge

/// What lines of the ledger amount to, on whatever node they are read.
@Suite struct LedgerTests {
    private let space = VectorSpace(
        id: "s", collection: "s", model: EmbeddingModel(name: "letters", version: "1", dimensions: 2))

    /// With one base.
    private func ledger() throws -> Ledger {
        var ledger = Ledger()
        _ = try ledger.read(LedgerLine(token: 1, change: .create(base("b", name: "base"))))
        return ledger
    }

    private func base(_ id: String, name: String) -> NewBase {
        NewBase(id: id, collection: id, name: name, description: "", created: 0, space: space)
    }

    private func put(_ token: Int, _ name: String, write: Int, space: String = "s") -> LedgerLine {
        let document = LedgerDocument(
            write: write, name: name, type: "", bytes: 0, chunks: 2, terms: 5, added: 0, metadata: "{}", hash: "",
            splitting: "", likeness: [], textPieces: 1, markPieces: 1)
        return LedgerLine(token: token, change: .put(base: "b", space: space, document, nil))
    }

    @Test("A line that was written twice holds once: what came in between stays")
    func twice() throws {
        var ledger = try ledger()
        _ = try ledger.read(put(2, "a", write: 20))
        _ = try ledger.read(put(3, "a", write: 30))
        #expect(try ledger.read(put(2, "a", write: 20)) == nil)
        let base = try ledger.base("base")
        #expect(base.document("a")?.line.write == 30)
        #expect((base.epoch, base.chunks, base.terms, ledger.lines) == (3, 2, 5, 4))
    }

    @Test("A line that does not fit what is there by then changes nothing, and says why")
    func refusals() throws {
        var ledger = try ledger()
        func refusal(_ token: Int, _ change: LedgerChange) throws -> KnowledgeError.Code? {
            try ledger.read(LedgerLine(token: token, change: change))?.refusal?.code
        }
        #expect(try refusal(2, .create(base("c", name: "base"))) == .alreadyExists)
        #expect(try refusal(3, put(0, "a", write: 1, space: "other").change) == .wrongModel)
        #expect(try refusal(4, .delete(base: "gone", ["a"], files: true)) == .notFound)
        let next = VectorSpace(id: "n", collection: "n", model: space.model)
        #expect(try refusal(5, .begin(base: "b", next)) == nil)
        #expect(try refusal(6, put(0, "a", write: 1).change) == nil)
        // Made ready for what the base was before that document came.
        #expect(try refusal(7, .change(base: "b", space: "n", epoch: 1)) == .unavailable)
        #expect(try ledger.base("base").space.id == "s")
        #expect(try refusal(8, .change(base: "b", space: "n", epoch: 6)) == nil)
        #expect(try ledger.base("base").space.id == "n")
    }

    @Test("A change says which epoch it follows: that of the line before it, whichever node wrote that")
    func chain() throws {
        var ledger = try ledger()
        var changes = try [put(2, "a", write: 20), put(3, "b", write: 30)].map { try ledger.read($0)?.change }
        let deletion = LedgerLine(token: 4, change: .delete(base: "b", ["a", "b"], files: true))
        changes.append(try ledger.read(deletion)?.change)
        #expect(changes.map { $0?.previous } == [1, 2, 3] && changes.map { $0?.epoch } == [2, 3, 4])
        let nothing = try ledger.read(LedgerLine(token: 5, change: .delete(base: "b", ["a"], files: true)))
        #expect(nothing?.change.previous == 4 && nothing?.change.epoch == 4)
    }

    @Test("Chunks of two documents never have the same number, nor those of two versions of one")
    func numbers() throws {
        var ledger = try ledger()
        let first = try #require(try ledger.read(put(2, "a", write: 20))).change
        let second = try #require(try ledger.read(put(3, "a", write: 30))).change
        #expect(second.removed == first.added && second.added.count == 2)
        #expect(Set(first.added).isDisjoint(with: second.added))
        let base = try ledger.base("base")
        #expect(second.added.map { base.place(of: $0)?.place } == [0, 1].map { ChunkPlace(write: 30, index: $0) })
        #expect(first.added.allSatisfy { base.place(of: $0) == nil })
    }

    @Test("What was replaced is given up after some changes, and the base says from when on it is whole")
    func whole() throws {
        var ledger = try ledger()
        for line in 2..<3 + LedgerBase.kept { #expect(try ledger.read(put(line, "a", write: line))?.swept == []) }
        #expect(try ledger.base("base").whole == 1)
        #expect(try ledger.read(put(99, "a", write: 99))?.swept == [2])
        // The first version was replaced by line 3: who reads the base as it was before that may lack it.
        #expect(try ledger.base("base").whole == 3)
        let deletion = try ledger.read(LedgerLine(token: 100, change: .delete(base: "b", ["a"], files: true)))
        #expect(Set(deletion?.swept ?? []) == Set(Array(3..<3 + LedgerBase.kept) + [99]))
        #expect(try ledger.base("base").whole == ledger.lines)
    }
}
