import Foundation
import Testing

@testable import MartletStore

@Suite("A backup is everything that was acknowledged, also while more is written")
struct BackupTests {
    private let folder: String
    private let place: String

    init() throws {
        place = FileManager.default.temporaryDirectory.appending(path: "martlet-backup-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        folder = place + "/data"
    }

    private func record(_ number: Int) -> [UInt8] { Array("record \(number)".utf8) }

    private func journal() throws -> Journal {
        try Journal.open(try SystemFiles(folder: folder), driver: .caller, replay: { _ in })
    }

    private func remove() { try? FileManager.default.removeItem(atPath: place) }

    /// What a folder, or a backup, holds.
    private func records(in folder: String) throws -> [[UInt8]] {
        try Backup.read(folder, empty: { [[UInt8]]() }) { $0.append($1) }.state
    }

    private func write(_ name: String, _ records: [[UInt8]], next: UInt64) throws {
        try Backup.write(name, in: place, next: next) { (write) throws(JournalError) in
            for record in records { try write(record) }
        }
    }

    @Test("A folder in use is read as it stands, and not changed")
    func online() throws {
        defer { remove() }
        let journal = try journal()
        for number in 0..<100 { _ = try journal.append(record(number)) }
        #expect(journal.commit())
        let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let found = try Backup.read(folder, empty: { 0 }) { count, _ in count += 1 }
        #expect(found.state == 100 && found.next == 101)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == before)
        // Whoever has the folder goes on.
        _ = try journal.append(record(100))
        #expect(journal.commit())
        #expect(try records(in: folder).count == 101)
        let snapshot = try journal.beginSnapshot()
        try snapshot.write(record(7))
        try snapshot.finish()
        _ = try journal.append(record(101))
        #expect(journal.commit())
        #expect(try records(in: folder) == [record(7), record(101)])
        try journal.close()
    }

    @Test("While a process writes and makes snapshots, each look is a beginning of what it wrote")
    func whileItIsWritten() async throws {
        defer { remove() }
        let journal = try journal()
        let folder = folder
        async let written: Int = Task.detached {
            var next = 0
            for _ in 0..<60 {
                for _ in 0..<50 {
                    _ = try journal.append(Array("\(next)".utf8))
                    next += 1
                }
                journal.commit()
                // The state after all of them is their number.
                let snapshot = try journal.beginSnapshot()
                try snapshot.write(Array("=\(next)".utf8))
                try snapshot.finish()
            }
            return next
        }.value
        var last = 0
        for _ in 0..<40 {
            let found = try Backup.read(folder, empty: { 0 }) { count, record in
                let text = String(decoding: record, as: UTF8.self)
                if text.hasPrefix("=") { count = Int(text.dropFirst()) ?? -1 } else { count += 1 }
            }
            #expect(found.next == UInt64(found.state) + 1)
            #expect(found.state >= last)
            last = found.state
        }
        let count = try await written
        #expect(try Backup.read(folder, empty: { 0 }) { count, record in
            let text = String(decoding: record, as: UTF8.self)
            if text.hasPrefix("=") { count = Int(text.dropFirst()) ?? -1 } else { count += 1 }
        }.state == count)
        try journal.close()
    }

    @Test("A folder made of a backup holds the same and goes on from there")
    func restores() throws {
        defer { remove() }
        let all = (0..<1000).map(record)
        try write("b", all, next: 5001)
        try Backup.restore("b", in: place, to: folder)
        var found: [[UInt8]] = []
        let journal = try Journal.open(try SystemFiles(folder: folder), driver: .caller, replay: { found.append($0) })
        #expect(found == all && journal.last == 5000)
        #expect(try journal.append(record(1)) == 5001)
        #expect(journal.commit())
        try journal.close()
        #expect(try records(in: folder) == all + [record(1)])
    }

    @Test("Nothing is written over")
    func refusals() throws {
        defer { remove() }
        try write("b", [record(1)], next: 2)
        #expect(throws: JournalError.exists(file: place + "/b")) { try write("b", [], next: 1) }
        try Backup.restore("b", in: place, to: folder)
        #expect(throws: JournalError.exists(file: folder)) { try Backup.restore("b", in: place, to: folder) }
        let journal = try Journal.open(try SystemFiles(folder: place + "/other"), driver: .caller, replay: { _ in })
        #expect(throws: JournalError.inUse(folder: place + "/other")) {
            try Backup.restore("b", in: place, to: place + "/other")
        }
        try journal.close()
    }

    @Test("What is damaged is found out, wherever it is")
    func damage() throws {
        defer { remove() }
        try write("b", (0..<20).map(record), next: 21)
        let path = place + "/b"
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for index in stride(from: 0, to: whole.count, by: 7) {
            var bytes = whole
            bytes[index] ^= 0x40
            try bytes.write(to: URL(fileURLWithPath: path))
            #expect(throws: JournalError.self) { try Backup.read("b", in: place) { _ in } }
        }
        for length in [0, 10, 40, whole.count - 1] {
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            #expect(throws: JournalError.self) { try Backup.read("b", in: place) { _ in } }
        }
        try Data("something else".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: JournalError.self) { try Backup.restore("b", in: place, to: folder) }
        #expect(!FileManager.default.fileExists(atPath: folder))
    }
}
