import Foundation
import Glibc
import MartletKnowledge
import MartletLogic
import Synchronization

/// A process that changes a base without pause, says before each change what it is about to do and afterwards that it
/// is done, and is killed at some moment.
struct KilledWriter: Sendable {
    static let base = "b"
    private static let writers = 3
    private static let documents = 4

    private let engine: EmbeddedEngine
    private let folder: String
    private let round: Int
    private let log: Log

    /// Ends with SIGKILL only: at any moment from now on, the opening of the store included.
    static func run(in folder: String, round: Int) async throws {
        let delay = Double.random(in: 0..<0.4)
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: delay)
            kill(getpid(), SIGKILL)
        }
        let engine = try await EmbeddedEngine.open(folder + "/store", EmbeddedEngine.Settings(lanes: 1))
        let writer = KilledWriter(
            engine: engine, folder: folder, round: round, log: try Log(Log.path(in: folder, round: round)))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<writers { group.addTask { try await writer.write(as: number) } }
            try await group.waitForAll()
        }
    }

    private func write(as writer: Int) async throws {
        var change = 0
        while true {
            change += 1
            let names = (0..<Self.documents).map { "w\(writer)d\($0)" }.shuffled()
            if Int.random(in: 0..<4) == 0 {
                let gone = Array(names.prefix(Int.random(in: 1...2)))
                try log.write("begin \(writer) \(gone.joined(separator: ",")) 0")
                _ = try await engine.delete(gone, from: Self.base, files: true)
            } else {
                let version = round * 1_000_000 + change
                let path = "\(folder)/in-\(writer)"
                let texts = Self.texts(names[0], version)
                try Data(texts.joined().utf8).write(to: URL(fileURLWithPath: path))
                let document = EngineFixture.document(
                    names[0], texts, metadata: ["version": .number(Double(version))], path: path)
                try log.write("begin \(writer) \(names[0]) \(version)")
                _ = try await engine.put(document, in: Self.base, model: EngineFixture.model)
            }
            try log.write("done \(writer)")
        }
    }

    /// The chunks of a document in a version: one to nine.
    static func texts(_ name: String, _ version: Int) -> [String] {
        (0...version % 9).map { "common \(name) version\(version) part\($0)\n" }
    }

    /// What a process has said, line by line: each is there at once, whatever becomes of the process.
    final class Log: Sendable {
        private let file: Mutex<FileHandle>

        static func path(in folder: String, round: Int) -> String { "\(folder)/log-\(round)" }

        init(_ path: String) throws {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            file = Mutex(try FileHandle(forWritingTo: URL(fileURLWithPath: path)))
        }

        func write(_ line: String) throws {
            try file.withLock { try $0.write(contentsOf: Data((line + "\n").utf8)) }
        }

        /// Whole lines; none where the process did not come so far.
        static func lines(_ path: String) -> [[Substring]] {
            let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
            return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map {
                $0.split(separator: " ")
            }
        }
    }
}

/// What may be in the base, by what its writers have said.
struct KilledModel {
    /// By document; 0: it is not there.
    private(set) var possible: [String: Set<Int>] = [:]
    /// Of all rounds.
    private(set) var changes = 0

    mutating func hear(_ lines: [[Substring]]) {
        var begun: [Substring: (names: [String], version: Int)] = [:]
        for line in lines {
            if line[0] == "begin" {
                let change = (names: line[2].split(separator: ",").map(String.init), version: Int(line[3]) ?? 0)
                for name in change.names { possible[name, default: [0]].insert(change.version) }
                begun[line[1]] = change
            } else if let done = begun.removeValue(forKey: line[1]) {
                for name in done.names { possible[name] = [done.version] }
                changes += 1
            }
        }
    }

    /// What was found is so from now on.
    mutating func settle(_ found: [String: Int]) {
        for name in possible.keys { possible[name] = [found[name] ?? 0] }
    }

    /// The documents that are not as they may be.
    func wrong(_ found: [String: Int]) -> [String] {
        Set(possible.keys).union(found.keys).filter { !(possible[$0] ?? [0]).contains(found[$0] ?? 0) }.sorted()
    }
}
