import Dispatch
import Foundation
import MartletStore
import Synchronization
import Testing

@Suite("On a real disk")
struct SystemFilesTests {
    private static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "journal-" + UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path(percentEncoded: false))
    }

    @Test("Records of many threads are durable in the order of their sequences, and a snapshot runs beside them")
    func concurrentAppends() throws {
        try Self.withFolder { folder in
            let done = DispatchSemaphore(value: 0)
            let count: UInt64 = 2000
            let synced = Mutex<[UInt64]>([])
            let journal = try Journal.open(
                SystemFiles(folder: folder), replay: { _ in },
                onSynced: { sequence in
                    synced.withLock { $0.append(sequence) }
                    if sequence == count { done.signal() }
                })
            let bySequence = Mutex<[UInt64: [UInt8]]>([:])
            DispatchQueue.concurrentPerform(iterations: 4) { thread in
                for index in 0..<Int(count / 4) {
                    let record = Array("\(thread) \(index)".utf8)
                    guard let sequence = try? journal.append(record) else { continue }
                    bySequence.withLock { $0[sequence] = record }
                }
            }
            #expect(done.wait(timeout: .now() + 30) == .success)
            let reports = synced.withLock { $0 }
            #expect(reports == reports.sorted() && reports.last == count)
            #expect(journal.figures.syncs <= journal.figures.records)

            let expected = bySequence.withLock { records in (1...count).compactMap { records[$0] } }
            let snapshot = try journal.beginSnapshot()
            _ = try journal.append([1])
            for record in expected { try snapshot.write(record) }
            try snapshot.finish()
            try journal.close()

            var found: [[UInt8]] = []
            let next = try Journal.open(SystemFiles(folder: folder), replay: { found.append($0) })
            #expect(found == expected + [[1]] && next.remarks.isEmpty)
            try next.close()
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).map { $0.prefix(5) }.sorted()
            #expect(names == ["journ", "lock", "snaps"])
        }
    }

    @Test("A journal in use cannot be opened, one whose process is gone can")
    func lock() throws {
        try Self.withFolder { folder in
            var journal: Journal? = try Journal.open(SystemFiles(folder: folder), driver: .caller, replay: { _ in })
            #expect(throws: JournalError.inUse(folder: folder)) {
                try Journal.open(SystemFiles(folder: folder), replay: { _ in })
            }
            _ = try journal?.append([7])
            journal?.commit()
            // As if killed: the lock ends with its descriptor.
            journal = nil
            var found: [[UInt8]] = []
            let next = try Journal.open(SystemFiles(folder: folder), driver: .caller, replay: { found.append($0) })
            #expect(found == [[7]] && next.remarks.isEmpty)
        }
    }

    @Test("A folder that cannot be made is named")
    func badFolder() {
        #expect(performing: { try SystemFiles(folder: "/proc/none/journal") }, throws: { "\($0)".contains("/proc/none") })
    }

    @Test("While a sync runs records gather, and the next sync takes them all")
    func groupsWhileBusy() throws {
        let mayGo = DispatchSemaphore(value: 0)
        let begun = DispatchSemaphore(value: 0)
        let done = DispatchSemaphore(value: 0)
        let disk = FakeDisk(onSync: {
            begun.signal()
            _ = mayGo.wait(timeout: .now() + 30)
        })
        let journal = try Journal.open(
            disk, replay: { _ in }, onSynced: { if $0 == 101 { done.signal() } })
        _ = try journal.append([0])
        #expect(begun.wait(timeout: .now() + 30) == .success)
        for _ in 0..<100 { _ = try journal.append([1]) }
        // The head of the segment, the first record, the other hundred.
        for _ in 0..<3 { mayGo.signal() }
        #expect(done.wait(timeout: .now() + 30) == .success)
        #expect(journal.figures.syncs == 2 && journal.figures.records == 101)
    }

    @Test("Records for which nobody waits are gathered until somebody waits for one")
    func gathers() throws {
        let done = DispatchSemaphore(value: 0)
        var policy = JournalPolicy()
        policy.gatherDelay = .seconds(3600)
        let journal = try Journal.open(
            FakeDisk(), policy: policy, replay: { _ in }, onSynced: { if $0 == 5 { done.signal() } })
        for _ in 0..<5 { _ = try journal.append([1]) }
        #expect(journal.durable == 0)
        journal.hurry()
        #expect(done.wait(timeout: .now() + 30) == .success)
        #expect(journal.figures.syncs == 1)
    }

    @Test("Records for which nobody waits are not kept waiting for ever")
    func gathersForAWhile() throws {
        let done = DispatchSemaphore(value: 0)
        var policy = JournalPolicy()
        policy.gatherDelay = .milliseconds(1)
        let journal = try Journal.open(
            FakeDisk(), policy: policy, replay: { _ in }, onSynced: { if $0 == 2 { done.signal() } })
        for _ in 0..<2 { _ = try journal.append([1]) }
        #expect(done.wait(timeout: .now() + 30) == .success)
    }

    @Test("What comes while a sync runs, and nobody waits for, waits for more")
    func gathersWhileBusy() throws {
        let (begun, mayGo) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let done = DispatchSemaphore(value: 0)
        var policy = JournalPolicy()
        policy.gatherDelay = .seconds(3600)
        let disk = FakeDisk(onSync: {
            begun.signal()
            _ = mayGo.wait(timeout: .now() + 30)
        })
        let journal = try Journal.open(
            disk, policy: policy, replay: { _ in }, onSynced: { _ in done.signal() })
        _ = try journal.append([0])
        journal.hurry()
        #expect(begun.wait(timeout: .now() + 30) == .success)
        _ = try journal.append([1])
        for _ in 0..<3 { mayGo.signal() }
        #expect(done.wait(timeout: .now() + 30) == .success)
        #expect(journal.durable == 1)
        journal.hurry()
        #expect(done.wait(timeout: .now() + 30) == .success)
        #expect(journal.durable == 2 && journal.figures.syncs == 2)
    }

    @Test("After a failure the queue tries again by itself")
    func retries() throws {
        let done = DispatchSemaphore(value: 0)
        let disk = FakeDisk()
        var policy = JournalPolicy()
        policy.retryDelay = .milliseconds(1)
        let journal = try Journal.open(disk, policy: policy, replay: { _ in }, onSynced: { _ in done.signal() })
        disk.change { $0.failingSyncs = 3 }
        _ = try journal.append([1])
        #expect(done.wait(timeout: .now() + 30) == .success)
        #expect(journal.durable == 1 && journal.figures.failures == 3)
    }
}
