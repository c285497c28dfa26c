import MartletStore
import Synchronization
import Testing

/// Uses a journal as the broker does and keeps the books: record n says n, so what is replayed must count from 1.
final class JournalLife {
    static var policy: JournalPolicy {
        var policy = JournalPolicy()
        (policy.reserveBytes, policy.frameBytes, policy.snapshotSyncBytes) = (300, 200, 250)
        return policy
    }

    let journal: Journal
    let disk: FakeDisk
    private let reported = Mutex<UInt64>(0)
    /// What opening replayed.
    private(set) var replayed: UInt64 = 0
    private(set) var appended: UInt64 = 0

    /// - Throws: `JournalError`, or `Wrong` when something was replayed that was not next.
    init(_ disk: FakeDisk, policy: JournalPolicy = JournalLife.policy) throws {
        self.disk = disk
        var count: UInt64 = 0
        let sink = Sink()
        journal = try Journal.open(
            disk, policy: policy, driver: .caller,
            replay: { record in
                guard Self.number(record) == count + 1 else { throw Wrong(found: record, after: count) }
                count += 1
            },
            onSynced: { sequence in sink.synced.withLock { $0 = sequence } })
        self.sink = sink
        replayed = count
        appended = count
    }

    private final class Sink: Sendable {
        let synced = Mutex<UInt64>(0)
    }

    private let sink: Sink

    struct Wrong: Error {
        var found: [UInt8]
        var after: UInt64
    }

    /// What was acknowledged, in this life or, as far as it is known, before.
    var acknowledged: UInt64 { sink.synced.withLock { $0 } }

    static func record(_ number: UInt64) -> [UInt8] {
        stride(from: 0, to: 64, by: 8).map { UInt8(truncatingIfNeeded: number >> $0) }
            + [UInt8](repeating: 77, count: Int(number % 5) * 9)
    }

    private static func number(_ record: [UInt8]) -> UInt64? {
        guard record.count >= 8 else { return nil }
        let number = record[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        return record == Self.record(number) ? number : nil
    }

    func append(_ count: Int = 1) throws {
        for _ in 0..<count {
            appended += 1
            #expect(try journal.append(Self.record(appended)) == appended)
        }
    }

    /// Writes all records so far; what is appended meanwhile is not in it.
    func snapshot(appending more: Int = 0) throws {
        let snapshot = try journal.beginSnapshot()
        let last = appended
        try append(more)
        for number in 0..<last {
            try snapshot.write(Self.record(number + 1))
            if number == last / 2 { journal.commit() }
        }
        try snapshot.finish()
    }

    /// Everything a journal does, in one life.
    func run() throws {
        try append(2)
        journal.commit()
        try append(7)
        journal.commit()
        try snapshot(appending: 3)
        try append()
        journal.commit()
        try append(2)
        try snapshot()
        try append(2)
        journal.commit()
        let abandoned = try journal.beginSnapshot()
        try abandoned.write([1, 2, 3])
        abandoned.abandon()
        try append()
        journal.commit()
        try journal.close()
    }
}
