import Foundation
import MartletLogic
import Testing

@testable import MartletKnowledge

/// Texts and files on a Chroma server.
@Suite("Chroma's files", .timeLimit(.minutes(3)))
struct ChromaFileTests {
    private let base = EngineFixture.base

    @Test(
        "A file is read back on any node; one that is too large is not kept, and that is said",
        arguments: EngineKind.chroma)
    func files(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { fixture, one in
            let folder = fixture.folder + "-uploads"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let small = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            try small.write(to: URL(fileURLWithPath: folder + "/small"))
            try Data(count: 2 << 20).write(to: URL(fileURLWithPath: folder + "/large"))
            for name in ["small", "large"] {
                _ = try await one.put(
                    EngineFixture.document(name, ["words of \(name)"], path: "\(folder)/\(name)"), in: base,
                    model: EngineFixture.model)
            }
            let other = try await fixture.open()
            let file = try await other.file("small", in: base)
            #expect(try Data(contentsOf: URL(fileURLWithPath: file.path)) == small)
            #expect(file.bytes == small.count)
            let error = await #expect(throws: KnowledgeError.self) { try await other.file("large", in: base) }
            #expect(error?.code == .tooLarge)
            #expect(try await other.search("words of large").first?.document.name == "large")
            // A document without a file leaves the one that there is; a deletion with files takes it everywhere.
            try await one.put("small", ["other words"])
            #expect(try await other.file("small", in: base).bytes == small.count)
            _ = try await one.delete(["small"], from: base, files: false)
            #expect(try await other.files(in: base) == ["large", "small"])
            _ = try await one.delete(["small"], from: base, files: true)
            #expect(try await other.files(in: base) == ["large"])
            let gone = await #expect(throws: KnowledgeError.self) { try await other.file("small", in: base) }
            #expect(gone?.code == .notFound)
        }
    }

    @Test("A long text is kept in pieces that are cut between characters")
    func pieces() {
        let text = String(repeating: "年假x", count: 60_000)
        let pieces = DocumentPiece.cut(text)
        #expect(pieces.count > 1 && pieces.joined() == text)
        #expect(DocumentPiece.cut("") == [])
    }
}
