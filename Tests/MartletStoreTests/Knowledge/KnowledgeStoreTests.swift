import Foundation
import Synchronization
@testable import MartletStore
import Testing

@Suite("Knowledge on disk")
struct KnowledgeStoreTests {
    @Test("What was put is there when it is opened again, whole and in order")
    func reopen() async throws {
        try await KnowledgeFolder.run { folder in
            let store = try await KnowledgeStore.open(folder.store)
            let base = try await store.createBase("手册")
            let file = try await store.keep(fileAt: try folder.write("the file", to: "upload"))
            let change = try await store.put(
                KnowledgeFolder.document("假期.md", ["年假十天。", "病假照付。"], file: file), in: base)
            await store.close()
            let again = try await KnowledgeStore.open(folder.store)
            let record = try #require(try await again.document("假期.md", in: "手册"))
            #expect(record == change.document)
            #expect((record.version, record.chunks, record.added) == (change.epoch, 2, 1.5))
            #expect(try await again.base("手册").epoch == change.epoch)
            let text = try await again.text(of: "假期.md", version: record.version, in: "手册")
            #expect(text.text == "年假十天。病假照付。")
            let chunks = try await again.chunks(of: "假期.md", in: "手册", from: 1, atMost: 5)
            #expect(chunks.map(\.range) == [5..<10])
            #expect(chunks.map(\.number) == [change.firstChunk + 1])
            let path = try #require(try await again.file("假期.md", in: "手册")).path
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "the file")
            #expect(!path.contains("假期"))
            #expect(try await again.flaws() == [])
            await again.close()
        }
    }

    @Test("A document is replaced whole, and no number or version comes back")
    func replace() async throws {
        try await KnowledgeFolder.run { folder in
            let store = try await KnowledgeStore.open(folder.store)
            let base = try await store.createBase("b")
            let first = try await store.put(KnowledgeFolder.document("d", ["one", "two"]), in: base)
            let second = try await store.put(KnowledgeFolder.document("d", ["three"]), in: base)
            #expect(second.removed == [first.document?.number])
            #expect(second.removedChunks == [first.firstChunk, first.firstChunk + 1])
            #expect(second.epoch > first.epoch && second.firstChunk > first.firstChunk + 1)
            #expect(try store.contents(of: "b") == ["d": "three"])
            await #expect(throws: KnowledgeStoreError.noDocument("d")) {
                try await store.text(of: "d", version: first.epoch, in: "b")
            }
            let (gone, unknown) = try await store.delete(["d", "e"], from: "b", withFiles: true) { _ in }
            #expect(unknown == ["e"] && gone.removedChunks == [second.firstChunk])
            let third = try await store.put(KnowledgeFolder.document("d", ["one"]), in: base)
            #expect(third.firstChunk > second.firstChunk && third.epoch > gone.epoch)
            try await store.removeBase("b") { _ in }
            let anew = try await store.createBase("b")
            #expect(anew.epoch > third.epoch)
            #expect(try store.contents(of: "b") == [:])
            await store.close()
        }
    }

    @Test("A file goes with its document only when that is wished, and nothing is left of it on disk")
    func files() async throws {
        try await KnowledgeFolder.run { folder in
            let store = try await KnowledgeStore.open(folder.store)
            let base = try await store.createBase("b")
            for text in ["old", "new"] {
                let file = try await store.keep(fileAt: try folder.write(text, to: "upload"))
                _ = try await store.put(KnowledgeFolder.document("d", [text], file: file), in: base)
            }
            func kept() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: folder.store + "/files").count
            }
            #expect(try kept() == 1)
            _ = try await store.delete(["d"], from: "b", withFiles: false) { _ in }
            #expect(try await store.file("d", in: "b") != nil)
            let (_, unknown) = try await store.delete(["d"], from: "b", withFiles: true) { _ in }
            #expect(unknown == [])
            #expect(try kept() == 0)
            // Kept, and never put.
            _ = try await store.keep(fileAt: folder.path("upload"))
            await store.close()
            await (try await KnowledgeStore.open(folder.store)).close()
            #expect(try kept() == 0)
        }
    }

    @Test("Vectors of another model or length are refused, and nothing of the document stays")
    func wrongSpace() async throws {
        try await KnowledgeFolder.run { folder in
            let store = try await KnowledgeStore.open(folder.store)
            let base = try await store.createBase("b")
            var long = KnowledgeFolder.document("d", ["x"])
            long.chunks[0].vector.append(1)
            await #expect(throws: KnowledgeStoreError.self) { try await store.put(long, in: base) }
            var other = base
            other.space.version = "2"
            await #expect(throws: KnowledgeStoreError.self) {
                try await store.put(KnowledgeFolder.document("d", ["x"]), in: other)
            }
            #expect(try await store.documents(in: "b") == [])
            #expect(try await store.base("b").epoch == base.epoch)
            await store.close()
        }
    }

    @Test("A chunk's vector is found again by its key, in its own model's vectors only")
    func keys() async throws {
        try await KnowledgeFolder.run { folder in
            let store = try await KnowledgeStore.open(folder.store)
            let base = try await store.createBase("b")
            _ = try await store.put(KnowledgeFolder.document("d", ["one", "two"]), in: base)
            let keys = ["two", "three"].map { Array($0.utf8) }
            #expect(try await store.vectors(of: keys, in: base.space) == [keys[0]: [1, 0.5, -1]])
            let other = try await store.beginSpace(in: "b", model: "m", version: "2", dimensions: 3)
            #expect(try await store.vectors(of: keys, in: other) == [:])
            await store.close()
        }
    }

    @Test("One process has a store, and network file systems are told")
    func places() async throws {
        try await KnowledgeFolder.run { folder in
            let store = try await KnowledgeStore.open(folder.store)
            await #expect(throws: KnowledgeStoreError.inUse) { try await KnowledgeStore.open(folder.store) }
            await store.close()
            let mounts = """
                36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw
                41 35 0:52 /share /mnt/a\\040b rw,relatime shared:1 - nfs4 server:/share rw,vers=4.2
                42 35 0:53 / /mnt/c rw - fuse.sshfs user@host: rw
                """
            #expect(NetworkFileSystem.kind(of: "98:0", mounts: mounts) == nil)
            #expect(NetworkFileSystem.kind(of: "0:52", mounts: mounts) == "nfs4")
            #expect(NetworkFileSystem.kind(of: "0:53", mounts: mounts) == "fuse.sshfs")
            #expect(try NetworkFileSystem.kind(at: folder.url.path) == nil)
        }
    }

    @Test("A backup is made in use, is looked through, and is the store again where it is put back")
    func backup() async throws {
        try await KnowledgeFolder.run { folder in
            let store = try await KnowledgeStore.open(folder.store)
            let base = try await store.createBase("b")
            let file = try await store.keep(fileAt: try folder.write("the file", to: "upload"))
            _ = try await store.put(KnowledgeFolder.document("d", ["one"], file: file), in: base)
            try await store.backUp(to: folder.path("backup"))
            _ = try await store.delete(["d"], from: "b", withFiles: true) { _ in }
            await store.close()
            #expect(try await KnowledgeBackup.verify(folder.path("backup")) == [])
            try await KnowledgeBackup.restore(folder.path("backup"), to: folder.path("again"))
            let again = try await KnowledgeStore.open(folder.path("again"))
            #expect(try again.contents(of: "b") == ["d": "one"])
            #expect(try await again.file("d", in: "b") != nil)
            await again.close()
            // A file that is not what it was is found out, and not put back.
            try Data("the fiLe".utf8).write(to: URL(fileURLWithPath: folder.path("backup/files/" + file.id)))
            #expect(try await KnowledgeBackup.verify(folder.path("backup")).count == 1)
            await #expect(throws: KnowledgeStoreError.self) {
                try await KnowledgeBackup.restore(folder.path("backup"), to: folder.path("never"))
            }
            await #expect(throws: KnowledgeStoreError.self) { try await KnowledgeBackup.verify(folder.path("nothing")) }
        }
    }
}
