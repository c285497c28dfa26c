import Foundation
import MartletStore
import Synchronization
import Testing

/// What a process leaves that is killed in the middle of a change is a store as it was before it or after it.
@Suite("Knowledge after a kill", .timeLimit(.minutes(5)))
struct KnowledgeCrashTests {
    private struct Left {
        var name: String
        var step: KnowledgeStore.Step
        var before: [String: String]
        var after: [String: String]
    }

    private typealias Change = (KnowledgeStore, BaseRecord) async throws -> Void

    /// A life of a store, each change with what is there after it.
    private static func life(_ folder: KnowledgeFolder) -> [(change: Change, after: [String: String])] {
        func put(_ name: String, _ texts: [String]) -> Change {
            { store, base in
                let file = try await store.keep(fileAt: try folder.write(texts.joined(), to: "upload"))
                _ = try await store.put(KnowledgeFolder.document(name, texts, file: file), in: base)
            }
        }
        let many = (0..<200).map { "sentence \($0) of a long text. " }
        return [
            (put("a", ["first"]), ["a": "first"]),
            (put("b", many), ["a": "first", "b": many.joined()]),
            (put("a", ["第二版"]), ["a": "第二版", "b": many.joined()]),
            (put("b", ["short"]), ["a": "第二版", "b": "short"]),
            (
                { store, base in _ = try await store.delete(["a", "b"], from: base.name, withFiles: true) { _ in } },
                [:]
            ),
            (put("a", ["third"]), ["a": "third"]),
        ]
    }

    @Test("Killed at any boundary of any change, the next process has all of it or nothing")
    func boundaries() async throws {
        try await KnowledgeFolder.run { folder in
            let left = Mutex<[Left]>([])
            let now = Mutex<(before: [String: String], after: [String: String])?>(nil)
            let store = try await KnowledgeStore.open(folder.store) { step in
                guard let (before, after) = now.withLock({ $0 }) else { return }
                let name = "left-\(left.withLock { $0.count })"
                do {
                    try folder.copy(name)
                    left.withLock { $0.append(Left(name: name, step: step, before: before, after: after)) }
                } catch {
                    Issue.record(error)
                }
            }
            let base = try await store.createBase("b")
            var before: [String: String] = [:]
            for (change, after) in Self.life(folder) {
                now.withLock { $0 = (before, after) }
                try await change(store, base)
                before = after
            }
            await store.close()
            let all = left.withLock { $0 }
            #expect(all.count > 40)
            for left in all {
                let next = try await KnowledgeStore.open(folder.path(left.name))
                let contents = try next.contents(of: "b")
                let isDone = left.step == .committed || left.step == .filesRemoved
                #expect(contents == (isDone ? left.after : left.before), "\(left.step)")
                #expect(try await next.flaws() == [], "\(left.step)")
                let files = try FileManager.default.contentsOfDirectory(atPath: folder.path(left.name) + "/files")
                #expect(files.count == contents.count, "\(left.step)")
                // It goes on from there.
                let base = try await next.base("b")
                _ = try await next.put(KnowledgeFolder.document("next", ["more"]), in: base)
                #expect(try next.contents(of: "b")["next"] == "more")
                await next.close()
            }
        }
    }

    @Test("Killed while the log is written, wherever it ends, the next process has the state before")
    func tornLog() async throws {
        try await KnowledgeFolder.run { folder in
            let store = try await KnowledgeStore.open(folder.store)
            let base = try await store.createBase("b")
            _ = try await store.put(KnowledgeFolder.document("a", ["first"]), in: base)
            let log = "/knowledge.sqlite-wal"
            func size() throws -> Int { try Data(contentsOf: URL(fileURLWithPath: folder.store + log)).count }
            let start = try size()
            _ = try await store.put(KnowledgeFolder.document("a", (0..<40).map { "second \($0) " }), in: base)
            let end = try size()
            try #require(end > start + 10_000)
            try folder.copy("whole")
            await store.close()
            var outcomes: Set<String> = []
            for cut in stride(from: start, through: end, by: (end - start) / 60) {
                let name = "cut-\(cut)"
                try FileManager.default.copyItem(atPath: folder.path("whole"), toPath: folder.path(name))
                // Made anew from the log.
                try? FileManager.default.removeItem(atPath: folder.path(name) + "/knowledge.sqlite-shm")
                let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path(name) + log))
                try file.truncate(atOffset: UInt64(cut))
                try file.close()
                let next = try await KnowledgeStore.open(folder.path(name))
                #expect(try await next.flaws() == [])
                let text = try next.contents(of: "b")["a"] ?? "nothing"
                outcomes.insert(String(text.prefix(6)))
                #expect(cut == end || text == "first")
                await next.close()
            }
            #expect(outcomes.isSubset(of: ["first", "second"]) && outcomes.contains("first"))
        }
    }
}
