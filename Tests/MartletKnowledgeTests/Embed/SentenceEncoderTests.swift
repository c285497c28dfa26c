import Foundation
import MartletBase
import Testing

@testable import MartletKnowledge

/// A folder that goes when the test ends.
private final class Folder {
    let path = FileManager.default.temporaryDirectory.appending(path: "encoder-\(UUID())").path

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct SentenceEncoderTests {
    private let tiny = TinyModel()
    private let folder = Folder()

    private func encoder() throws -> SentenceEncoder {
        try tiny.write(to: folder.path)
        return try SentenceEncoder(folder: folder.path)
    }

    /// `count` characters of the vocabulary.
    private static func text(_ count: Int, seed: UInt64) -> String {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in TinyModel.character(Int.random(in: 0..<700, using: &random)) }.joined()
    }

    @Test func vectorsAreThoseOfTheDefinition() async throws {
        let encoder = try encoder()
        // Empty, unknown, one step and several, with more pieces than are kept at a time.
        let texts =
            ["", "🙂", "一丁丂", "abc ab"] + [40, 318, 1500].map { Self.text($0, seed: UInt64($0)) }
        for role in [EmbeddingRole.query, .passage] {
            let vectors = try await encoder.embed(texts, as: role)
            #expect(vectors.count == texts.count)
            for (text, vector) in zip(texts, vectors) {
                let expected = tiny.vector(of: try encoder.pieces(of: text))
                #expect(zip(vector, expected).allSatisfy { abs($0 - $1) < 2e-4 }, "\(text.count) characters")
            }
        }
        await encoder.close()
    }

    /// Else the same chunk would have another vector in another batch, and the index two of one text.
    @Test func aTextsVectorDoesNotDependOnItsNeighbours() async throws {
        let encoder = try encoder()
        let texts = (0..<60).map { Self.text($0 * 7, seed: UInt64($0)) }
        let together = try await encoder.embed(texts, as: .passage)
        for (text, vector) in zip(texts, together).reversed() {
            #expect(try await encoder.embed([text], as: .passage) == [vector])
        }
        await encoder.close()
    }

    @Test func theVersionIsThatOfTheWeights() async throws {
        let (other, changed) = (Folder(), Folder())
        let first = try encoder().model
        try tiny.write(to: other.path)
        try TinyModel(seed: 2).write(to: changed.path)
        #expect(try SentenceEncoder(folder: other.path).model == first)
        #expect(try SentenceEncoder(folder: changed.path).model.version != first.version)
        #expect(first.dimensions == 24)
    }

    @Test func filesThatAreNotThereOrDamagedAreOneClearError() async throws {
        let missing = #expect(throws: KnowledgeError.self) { try SentenceEncoder(folder: "/nowhere") }
        #expect(missing?.code == .unavailable)
        #expect(missing?.message.contains("/nowhere/sp.model") == true)
        try tiny.write(to: folder.path)
        let path = URL(filePath: "\(folder.path)/weights.npz")
        var bytes = try Data(contentsOf: path)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: path)
        let damaged = try SentenceEncoder(folder: folder.path)
        let error = await #expect(throws: KnowledgeError.self) { try await damaged.embed(["a"], as: .query) }
        #expect(error?.code == .unavailable)
        await damaged.close()
        // Cut off anywhere, nothing is read beyond the end.
        for length in stride(from: 0, to: bytes.count, by: bytes.count / 97) {
            try bytes.prefix(length).write(to: path)
            #expect(throws: KnowledgeError.self) { try SentenceEncoder(folder: folder.path) }
        }
    }

    @Test func aTextAboveTheBoundIsRefused() async throws {
        let encoder = try encoder()
        let text = String(repeating: "a", count: SentenceEncoder.maximumTextBytes + 1)
        let error = await #expect(throws: KnowledgeError.self) { try await encoder.embed([text], as: .query) }
        #expect(error?.code == .tooLarge)
        await encoder.close()
    }

    @Test func aCallerWhoGoesStopsTheWorkBetweenSteps() async throws {
        try tiny.write(to: folder.path)
        let network = try SentenceNetwork(NumpyArchive(ModelFile(path: "\(folder.path)/weights.npz")))
        let pass = SentencePass(network, maximumKept: 0)
        var steps = 0
        #expect(throws: CancellationError.self) {
            try pass.vectors(of: [[Int32](repeating: 7, count: 100_000)]) { () throws(CancellationError) in
                steps += 1
                if steps == 3 { throw CancellationError() }
            }
        }
        #expect(steps == 3)
    }

    @Test func tooMuchWorkAtATimeIsRefused() async throws {
        let threads = EmbeddingThreads(count: 1, maximumWaiting: 1)
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let held = DispatchSemaphore(value: 0)
        let first = Task {
            try await threads.run { _ in
                begin.finish()
                held.wait()
            }
        }
        for await _ in begun {}
        let error = await #expect(throws: KnowledgeError.self) { try await threads.run { _ in } }
        #expect(error?.code == .overloaded)
        held.signal()
        try await first.value
        try await threads.run { _ in }
        await threads.close()
    }
}

@Suite struct PieceTokenizerTests {
    private let tokenizer: PieceTokenizer

    init() throws {
        tokenizer = PieceTokenizer(try PieceModel(ModelFile(TinyModel.sentencePiece(charsmap: Charsmap.bytes))))
    }

    private func texts(_ text: String) -> [String] {
        tokenizer.pieces(of: text).map { TinyModel.pieces[Int($0)].text }
    }

    @Test func theMostLikelyPiecesAreTaken() {
        #expect(texts("一丁") == ["<s>", "▁", "一丁", "</s>"])
        // -7 - 6 for either way, and -14: of equal ones the one whose last piece begins first.
        #expect(texts("一丁丂") == ["<s>", "▁", "一", "丁丂", "</s>"])
        #expect(texts("abc") == ["<s>", "▁", "ab", "c", "</s>"])
    }

    @Test func whatNoPieceHasIsUnknownCharacterByCharacter() {
        #expect(texts("一🙂🙂b") == ["<s>", "▁", "一", "<unk>", "<unk>", "b", "</s>"])
        #expect(texts("") == ["<s>", "<unk>", "</s>"])
        #expect(texts(" \u{3000}\u{200b} ") == ["<s>", "<unk>", "</s>"])
    }

    @Test func textsAreNormalizedByTheModelsRules() {
        func normal(_ text: String) -> String {
            String(decoding: tokenizer.model.normalizer.normalize(text), as: UTF8.self)
        }
        #expect(normal("Ａ\u{3000}\u{3000} ａb") == "▁a▁ab")
        #expect(normal("  ﬁ一  ") == "▁fi一")
        // The longest rule wins; what no rule has stays, and a character that goes away joins its neighbours.
        #expect(normal("a\u{301}e\u{301}\u{200b}x") == "▁áe\u{301}x")
    }

    @Test func aDamagedVocabularyIsAnError() {
        let bytes = TinyModel.sentencePiece(charsmap: Charsmap.bytes)
        #expect(throws: ModelFile.Flaw.self) { try PieceModel(ModelFile(Array(bytes.dropLast(5)))) }
        #expect(throws: ModelFile.Flaw.self) { try PieceModel(ModelFile([])) }
        #expect(throws: ModelFile.Flaw.self) { try PieceModel(ModelFile([0x0f, 1, 2, 3])) }
    }
}
