import Foundation
import MartletStore
import Testing

@Suite("The history of tasks on disk")
struct HistoryFileTests {
    @Test("What was kept is there after a kill, in its order and whole")
    func reopen() async throws {
        try await HistoryFolder.run { folder in
            var task = folder.task(2, "b", "FAILURE", since: 20.5)
            (task.name, task.queue, task.worker) = ("tasks.add", "cpu", "celery@h")
            (task.arguments, task.keywordArguments, task.retries) = ("('你好', 1)", "{}", 3)
            (task.exception, task.traceback, task.runtime) = ("ValueError('x')", "Traceback\n…", 0.25)
            (task.eta, task.expires, task.parent, task.root) = ("e", "x", "p", "r")
            task.timeline = [.init(state: "STARTED", time: 20.25, worker: "w"), .init(state: "FAILURE", time: 20.5)]
            let first = try await folder.open()
            #expect((first.last, first.latest, first.damage) == (0, [], nil))
            let older = try await first.file.keep([folder.task(1, "a", since: 10), task], merging: HistoryFolder.never)
            #expect(older == [])
            // What a process leaves that is killed: the file is closed by nobody.
            let copy = try folder.copied()
            let second = try await copy.open()
            #expect(second.latest == [folder.task(1, "a", since: 10), task])
            #expect((second.last, second.file.count) == (2, 2))
            #expect(try await second.file.task("b") == task)
            #expect(try await second.file.task("c") == nil)
            await second.file.close()
            await first.file.close()
        }
    }

    @Test("Another process' file is left alone, and is free once that has closed it")
    func lock() async throws {
        try await HistoryFolder.run { folder in
            let first = try await folder.open().file
            await #expect(throws: HistoryError.inUse) { try await folder.open() }
            await first.close()
            await (try folder.open()).file.close()
        }
    }

    @Test("Whatever is no history is moved aside, and a new one begins", arguments: ["text", "zeros", "version"])
    func damage(kind: String) async throws {
        try await HistoryFolder.run { folder in
            switch kind {
            case "text": try Data("this is no database at all, whatever it is".utf8).write(to: folder.url)
            case "zeros":
                let file = try await folder.open().file
                _ = try await file.keep((1...500).map { folder.task($0, "t\($0)") }, merging: HistoryFolder.never)
                await file.close()
                try folder.removeLog()
                var bytes = try Data(contentsOf: folder.url)
                bytes.replaceSubrange(100..<bytes.count, with: [UInt8](repeating: 0x5a, count: bytes.count - 100))
                try bytes.write(to: folder.url)
            default:
                let file = try await folder.open().file
                await file.close()
                try folder.removeLog()
                // The version is the 60th byte of the head, and three more.
                var bytes = try Data(contentsOf: folder.url)
                bytes[63] = 99
                try bytes.write(to: folder.url)
            }
            let opening = try await folder.open()
            #expect(opening.damage != nil)
            #expect(opening.latest == [])
            #expect(FileManager.default.fileExists(atPath: folder.url.path + HistoryFile.asideSuffix))
            _ = try await opening.file.keep([folder.task(1, "a")], merging: HistoryFolder.never)
            #expect(opening.file.count == 1)
            await opening.file.close()
        }
    }

    @Test("A folder that cannot be made is an error and nothing worse")
    func noFolder() async throws {
        let error = await #expect(throws: HistoryError.self) {
            try await HistoryFile.open("/proc/nowhere/history.sqlite", latest: 1)
        }
        guard case .failed? = error else { return #expect(Bool(false), "\(String(describing: error))") as Void }
    }

    @Test("A full disk refuses the whole batch; what is there stays, and more is kept when there is room")
    func full() async throws {
        try await HistoryFolder.run { folder in
            let file = try await folder.open(maximumPages: 40).file
            _ = try await file.keep([folder.task(1, "a")], merging: HistoryFolder.never)
            let many = (2...600).map { number in
                var task = folder.task(number, "t\(number)")
                task.arguments = String(repeating: "x", count: 2000)
                return task
            }
            let error = await #expect(throws: HistoryError.self) {
                try await file.keep(many, merging: HistoryFolder.never)
            }
            guard case .full? = error else { return #expect(Bool(false), "\(String(describing: error))") as Void }
            #expect(file.count == 1)
            #expect(try await file.search(HistoryQuery(limit: 10)).tasks.map(\.id) == ["a"])
            _ = try await file.keep([folder.task(2, "b")], merging: HistoryFolder.never)
            #expect(file.count == 2)
            await file.close()
        }
    }

    @Test("A task that is heard of again has its new number, and both lives are one")
    func again() async throws {
        try await HistoryFolder.run { folder in
            let file = try await folder.open().file
            _ = try await file.keep([folder.task(1, "a"), folder.task(2, "b")], merging: HistoryFolder.never)
            var changed = folder.task(2, "b", "STARTED")
            #expect(try await file.keep([changed], merging: HistoryFolder.never) == [])
            changed.number = 7
            let older = try await file.keep([changed, folder.task(3, "c")]) { older, newer in
                var task = newer
                task.name = "was \(older.state)"
                return task
            }
            #expect(older.map(\.number) == [2])
            #expect(file.count == 3)
            #expect(try await file.search(HistoryQuery(limit: 10)).tasks.map(\.number) == [7, 3, 1])
            #expect(try await file.task("b")?.name == "was STARTED")
            await file.close()
        }
    }

    @Test("Old ones go, and those beyond the count, in steps")
    func retention() async throws {
        try await HistoryFolder.run { folder in
            let file = try await folder.open().file
            let tasks = (1...100).map { folder.task($0, "t\($0)", since: Double($0)) }
            _ = try await file.keep(tasks, merging: HistoryFolder.never)
            // 29 are too old, of which a step takes 20.
            #expect(try await file.prune(before: 30, keeping: 1000, atMost: 20) == 20)
            #expect(try await file.prune(before: 30, keeping: 1000, atMost: 20) == 9)
            #expect(try await file.prune(before: 30, keeping: 1000, atMost: 20) == 0)
            #expect(try await file.prune(before: 0, keeping: 60, atMost: 20) == 11)
            #expect(file.count == 60)
            #expect(try await file.search(HistoryQuery(limit: 100)).tasks.map(\.number).min() == 41)
            await file.close()
            #expect(try await folder.open().file.count == 60)
        }
    }
}
