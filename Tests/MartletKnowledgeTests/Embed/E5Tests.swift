import Foundation
import Glibc
import MartletNet
import Synchronization
import Testing

@testable import MartletKnowledge

/// A child that answers as ``E5Child`` does, and dies of a text that says so. In Python, for it must be a program.
private let script = """
    import os, socket, struct, sys
    line = socket.socket(fileno=os.dup(0))
    def read(count):
        data = b""
        while len(data) < count:
            part = line.recv(count - len(data))
            if not part: sys.exit(0)
            data += part
        return data
    while True:
        role, size = struct.unpack("<BI", read(5))
        text = read(size).decode()
        if text == "die": os.abort()
        vector = [] if text == "refuse" else [float(role), float(len(text))]
        line.sendall(struct.pack("<I%df" % len(vector), len(vector), *vector))
    """

@Suite(.serialized) struct E5Tests {
    private static func encoder() throws -> (E5Encoder, String) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "e5-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // As much of the weights as is looked at here: mark, version, dimensions.
        let head = Array("E5S1".utf8) + [1, 0, 0, 0] + [2, 0, 0, 0]
        try Data(head).write(to: URL(filePath: "\(folder)/\(E5Files.weights)"))
        return (try E5Encoder(folder: folder, command: ["python3", "-c", script]), folder)
    }

    /// Asks until the child is there.
    private static func vectors(
        _ encoder: E5Encoder, _ texts: [String], _ role: EmbeddingRole
    ) async throws -> [[Float]] {
        while true {
            do throws(any Error) {
                return try await encoder.embed(texts, as: role)
            } catch let error as KnowledgeError where error.message == "The e5 engine does not run." {
                await Task.yield()
            }
        }
    }

    @Test func textsAreAnsweredInOrderByAChildForEachRole() async throws {
        let (encoder, folder) = try Self.encoder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(encoder.model.dimensions == 2)
        let running = Task { await encoder.run() }
        #expect(try await Self.vectors(encoder, ["年假", "a", ""], .query) == [[1, 2], [1, 1], [1, 0]])
        #expect(try await Self.vectors(encoder, ["报销 12"], .passage) == [[0, 5]])
        let refused = await #expect(throws: KnowledgeError.self) { try await encoder.embed(["refuse"], as: .query) }
        #expect(refused?.code == .failed)
        running.cancel()
        await running.value
        await encoder.close()
    }

    @Test func aTextThatKillsTheEngineCostsNobodyElseAnAnswer() async throws {
        let (encoder, folder) = try Self.encoder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let running = Task { await encoder.run() }
        #expect(try await Self.vectors(encoder, ["a"], .passage) == [[0, 1]])
        let died = await #expect(throws: KnowledgeError.self) { try await encoder.embed(["die"], as: .passage) }
        #expect(died?.code == .unavailable)
        #expect(try await Self.vectors(encoder, ["question"], .query) == [[1, 8]])
        #expect(try await Self.vectors(encoder, ["again"], .passage) == [[0, 5]])
        running.cancel()
        await running.value
        let ended = await #expect(throws: KnowledgeError.self) { try await encoder.embed(["late"], as: .query) }
        #expect(ended?.code == .unavailable)
        await encoder.close()
    }

    @Test func theChildsSideAnswersUntilTheLineEnds() async throws {
        let socket = try ChildSocket()
        let (ours, childs) = (try #require(socket.ours.value), try #require(socket.childs.value))
        let served = Thread {
            E5Child.serve(childs) { text, role throws(KnowledgeError) in
                if text.isEmpty { throw KnowledgeError(.failed, "") }
                return [Float(text.utf8.count), role == .query ? 1 : 0, -0.5]
            }
            socket.childs.close()
        }
        served.start()
        try E5Line.write("合同", as: .query, to: ours)
        #expect(try E5Line.readVector(from: ours, dimensions: 3) == [6, 1, -0.5])
        try E5Line.write("", as: .passage, to: ours)
        #expect(try E5Line.readVector(from: ours, dimensions: 3) == [])
        shutdown(ours, CInt(SHUT_WR))
        #expect(throws: E5Line.Gone.self) { try E5Line.readVector(from: ours, dimensions: 3) }
    }

    /// That character becomes 18 others, where the engine has room for 12.
    @Test func whatTheEngineHasNoRoomForIsWrittenOut() {
        #expect(E5Engine.readable("a\u{fdfa}\0b") == "aصلى الله عليه وسلم b")
        #expect(E5Engine.readable("年假 annual leave") == "年假 annual leave")
    }

    @Test func filesThatAreNotThereAreOneClearError() {
        let error = #expect(throws: KnowledgeError.self) { try E5Encoder(folder: "/nowhere", command: ["true"]) }
        #expect(error?.code == .unavailable)
        #expect(error?.message == "The e5 model cannot be read: /nowhere/e5-small-q4.bin cannot be read.")
        #expect(throws: KnowledgeError.self) { try E5Engine(folder: "/nowhere") }
    }

    /// Of the real package, where it is installed.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["MARTLET_TEST_E5"] != nil))
    func theRealEngineRanksChineseAndEnglish() throws {
        let engine = try E5Engine(folder: ProcessInfo.processInfo.environment["MARTLET_TEST_E5"] ?? "")
        let passages = ["员工每年享有十五天带薪年假。", "报销须在三十天内提交发票。", "The office closes at six."]
        for (place, question) in [(0, "年假有多少天？"), (1, "发票什么时候提交？"), (2, "When does the office close?")] {
            let asked = try engine.vector(of: question, as: .query)
            let cosines = try passages.map { passage in
                zip(asked, try engine.vector(of: passage, as: .passage)).reduce(0) { $0 + $1.0 * $1.1 }
            }
            #expect(cosines.firstIndex(of: cosines.max() ?? 0) == place, "\(question)")
        }
        #expect(engine.dimensions == 384)
    }
}
