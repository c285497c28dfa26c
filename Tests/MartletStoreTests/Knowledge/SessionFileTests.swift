import Foundation
import MartletStore
import Synchronization
import Testing

@Suite("Conversations on disk")
struct SessionFileTests {
    /// Seconds, set by hand.
    private final class Clock: Sendable {
        private let time = Mutex(1000.0)
        var now: Double { time.withLock { $0 } }
        func pass(_ seconds: Double) { time.withLock { $0 += seconds } }
    }

    private func run(_ body: (_ path: String, Clock) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.appending(path: "sessions.db").path, Clock())
    }

    private func turns(_ texts: String...) -> [SessionTurn] {
        texts.enumerated().map { SessionTurn(speaker: $0 % 2 == 0 ? "user" : "assistant", text: $1) }
    }

    @Test("Another process goes on with a conversation, in its order")
    func goesOn() async throws {
        try await run { path, clock in
            let first = try SessionFile(path, now: { clock.now })
            let second = try SessionFile(path, now: { clock.now })
            try await first.append(turns("年假几天？", "五天。"), to: "a")
            try await second.append(turns("那病假呢？", "不限。"), to: "a")
            try await second.append(turns("other"), to: "b")
            #expect(try await first.turns(of: "a") == turns("年假几天？", "五天。", "那病假呢？", "不限。"))
            try await first.remove("a")
            #expect(try await second.turns(of: "a") == [])
            #expect(try await second.turns(of: "b") == turns("other"))
            first.close()
            second.close()
        }
    }

    @Test("The oldest turns go, and long ones are cut between characters")
    func bounds() async throws {
        try await run { path, clock in
            var limits = SessionLimits()
            (limits.turns, limits.turnBytes) = (3, 7)
            let file = try SessionFile(path, limits, now: { clock.now })
            for text in ["1", "2", "3", "4", "年假五天"] { try await file.append(turns(text), to: "a") }
            #expect(try await file.turns(of: "a").map(\.text) == ["3", "4", "年假"])
            file.close()
        }
    }

    @Test("What was silent too long is forgotten, and does not come back with the next word")
    func age() async throws {
        try await run { path, clock in
            var limits = SessionLimits()
            limits.age = 100
            let file = try SessionFile(path, limits, now: { clock.now })
            try await file.append(turns("1"), to: "a")
            clock.pass(99)
            try await file.append(turns("2"), to: "a")
            clock.pass(99)
            #expect(try await file.turns(of: "a").count == 2)
            clock.pass(2)
            #expect(try await file.turns(of: "a") == [])
            try await file.append(turns("3"), to: "a")
            #expect(try await file.turns(of: "a").map(\.text) == ["3"])
            file.close()
        }
    }

    @Test("Pruning takes the late ones and the longest silent of those that are too many, a few at a time")
    func prune() async throws {
        try await run { path, clock in
            var limits = SessionLimits()
            (limits.age, limits.sessions, limits.pruneStep) = (100, 3, 2)
            let file = try SessionFile(path, limits, now: { clock.now })
            for name in ["a", "b", "c", "d", "e", "f"] {
                try await file.append(turns(name), to: name)
                clock.pass(10)
            }
            #expect(try await file.prune() == 2)
            #expect(try await file.prune() == 1)
            #expect(try await file.prune() == 0)
            #expect(try await file.turns(of: "c") == [])
            #expect(try await file.turns(of: "d").count == 1)
            clock.pass(200)
            #expect(try await file.prune() == 2)
            file.close()
        }
    }

    @Test("A file of something else is left alone")
    func foreign() async throws {
        try await run { path, clock in
            try Data("this is no database at all, whatever it is".utf8).write(to: URL(filePath: path))
            #expect(throws: SessionError.self) { try SessionFile(path, now: { clock.now }) }
            #expect(try Data(contentsOf: URL(filePath: path)).count == 42)
        }
    }
}
