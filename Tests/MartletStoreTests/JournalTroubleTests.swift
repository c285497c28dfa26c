import MartletStore
import Synchronization
import Testing

@Suite("A disk that fails costs nothing that was acknowledged, and the journal goes on by itself")
struct JournalTroubleTests {
    @Test("Disk full: records wait, then are refused; room again: all go on in order")
    func diskFull() throws {
        let disk = FakeDisk()
        var policy = JournalLife.policy
        (policy.waitingBytes, policy.reserveBytes) = (400, 0)
        let life = try JournalLife(disk, policy: policy)
        try life.append(5)
        #expect(life.journal.commit())
        disk.change { $0.capacity = 330 }
        try life.append(5)
        #expect(!life.journal.commit())
        #expect(!life.journal.commit())
        #expect(life.journal.trouble?.attempts == 2 && life.journal.figures.failures == 2)
        #expect(life.acknowledged == 5 && life.journal.waitingBytes > 0)
        try life.append(5)
        let waiting = life.journal.waitingBytes
        #expect(throws: JournalError.full(waitingBytes: waiting)) {
            try life.journal.append([UInt8](repeating: 0, count: 400))
        }
        #expect(!life.journal.commit())
        // A crash now loses nothing that was acknowledged.
        #expect(try JournalLife(disk.crashed(.everything)).replayed == 5)

        disk.change { $0.capacity = .max }
        #expect(life.journal.commit())
        #expect(life.journal.trouble == nil && life.acknowledged == 15 && life.journal.waitingBytes == 0)
        try life.append(5)
        try life.journal.close()
        #expect(try JournalLife(disk.crashed(.everything)).replayed == 20)
    }

    @Test("A failed sync is not repeated on the same file, where it would lie", arguments: 1...4)
    func failedSync(_ failures: Int) throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append(3)
        life.journal.commit()
        disk.change { $0.failingSyncs = failures }
        try life.append(3)
        for _ in 0..<failures {
            #expect(!life.journal.commit())
            #expect(try JournalLife(disk.crashed(.everything)).replayed == 3)
            #expect(try [3, 6].contains(JournalLife(disk.crashed(.nothing)).replayed))
            try life.append(0)
        }
        #expect(life.journal.commit())
        #expect(life.acknowledged == 6)
        #expect(try JournalLife(disk.crashed(.everything)).replayed == 6)
    }

    @Test("Trouble is told when it begins, while it lasts and when it ends")
    func troubleIsTold() throws {
        let disk = FakeDisk()
        let told = Mutex<[Int?]>([])
        let journal = try Journal.open(
            disk, driver: .caller, replay: { _ in },
            onTrouble: { trouble in told.withLock { $0.append(trouble?.attempts) } })
        disk.change { $0.failingSyncs = 2 }
        _ = try journal.append([1])
        while !journal.commit() {}
        #expect(told.withLock { $0 } == [1, 2, nil])
    }

    @Test("Closing a journal that cannot write says so, and gives the folder back")
    func closeInTrouble() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append()
        disk.change { $0.failingSyncs = 1 }
        #expect(throws: JournalError.self) { try life.journal.close() }
        #expect(!life.journal.commit() || life.acknowledged == 0)
        _ = try JournalLife(disk)
    }

    @Test("A snapshot that is durable before its records are counts for them")
    func snapshotAheadOfTheJournal() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append(2)
        life.journal.commit()
        disk.change { $0.failingSyncs = 1 }
        try life.append(2)
        #expect(!life.journal.commit())
        let snapshot = try life.journal.beginSnapshot()
        for number in 1...4 { try snapshot.write(JournalLife.record(UInt64(number))) }
        try snapshot.finish()
        #expect(try JournalLife(disk.crashed(.everything)).replayed == 4)
        try life.append(2)
        #expect(life.journal.commit())
        #expect(try JournalLife(disk.crashed(.everything)).replayed == 6)
    }

    @Test("Segments that were begun during a snapshot outlive it")
    func failureDuringASnapshot() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append(2)
        life.journal.commit()
        let snapshot = try life.journal.beginSnapshot()
        try life.append()
        life.journal.commit()
        disk.change { $0.failingSyncs = 1 }
        try life.append()
        #expect(!life.journal.commit())
        #expect(life.journal.commit())
        for number in 1...2 { try snapshot.write(JournalLife.record(UInt64(number))) }
        try snapshot.finish()
        for loss in [FakeDisk.Loss.nothing, .everything] {
            #expect(try JournalLife(disk.crashed(loss)).replayed == 4)
        }
    }
}
