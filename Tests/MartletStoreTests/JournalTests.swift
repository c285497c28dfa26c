import MartletStore
import Testing

@Suite("A journal keeps records, and says what it found")
struct JournalTests {
    private static func segment(_ disk: FakeDisk) throws -> String {
        try #require(try disk.list().filter { $0.hasPrefix("journal-") }.sorted().last)
    }

    @Test("A whole life leaves what was appended, one snapshot and no debris")
    func wholeLife() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        #expect(life.journal.durable == 0 && life.journal.last == 0)
        try life.run()
        #expect(life.acknowledged == life.appended && life.journal.waitingBytes == 0)
        #expect(life.journal.figures.records == life.appended && life.journal.figures.snapshots == 2)
        #expect(throws: JournalError.closed) { try life.journal.append([]) }
        #expect(throws: JournalError.closed) { try life.journal.beginSnapshot() }
        let names = try disk.list().map { $0.prefix(8) }.sorted()
        #expect(names == ["journal-", "journal-", "snapshot"])

        let next = try JournalLife(disk)
        #expect(next.replayed == life.appended && next.journal.remarks.isEmpty)
        #expect(next.journal.durable == life.appended)
    }

    @Test("An empty record, a long one, and what is too long")
    func sizes() throws {
        let disk = FakeDisk()
        let journal = try Journal.open(disk, driver: .caller, replay: { _ in })
        let long = [UInt8](repeating: 1, count: 100_000)
        #expect(try journal.append([]) == 1)
        #expect(try journal.append(long) == 2)
        try journal.close()
        var found: [[UInt8]] = []
        _ = try Journal.open(disk, driver: .caller, replay: { found.append($0) })
        #expect(found == [[], long])
    }

    @Test("Of records that wait, one sync makes all durable")
    func groupCommit() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append()
        life.journal.commit()
        let before = disk.operations.filter { $0.hasPrefix("sync journal") }.count
        try life.append(50)
        life.journal.commit()
        #expect(disk.operations.filter { $0.hasPrefix("sync journal") }.count == before + 1)
        #expect(life.acknowledged == 51 && life.journal.figures.syncs == 2)
        #expect(life.journal.figures.syncBuckets.reduce(0, +) == 2)
    }

    @Test("A torn end is cut off with a remark")
    func tornEnd() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append(3)
        life.journal.commit()
        let name = try Self.segment(disk)
        let whole = disk.bytes(of: name)
        disk.unlock()
        disk.set(name, Array(whole.prefix(150)) + [77, 74, 70])
        let next = try JournalLife(disk)
        #expect(next.replayed == 0)
        #expect(next.journal.remarks.count == 1 && next.journal.remarks[0].contains("cut off at byte 40"))
    }

    @Test("A damaged byte before the last frame is an error that names file and offset; nothing is replayed wrongly")
    func everyDamagedByte() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        for _ in 0..<4 {
            try life.append(2)
            life.journal.commit()
        }
        let name = try Self.segment(disk)
        let whole = disk.bytes(of: name)
        // Where frames begin, from their lengths.
        var starts = [40]
        while let start = starts.last, whole[start] != 0 { starts.append(start + 36 + Int(whole[start + 4])) }
        starts.removeLast()
        #expect(starts.count == 4)
        for place in 0..<whole.count {
            var bytes = whole
            bytes[place] ^= 0x10
            disk.set(name, bytes)
            disk.unlock()
            let frame = starts.last { $0 <= place }
            do {
                let next = try JournalLife(disk)
                // The last frame could not be told from one that was torn; behind it there is nothing to lose.
                #expect(frame == starts.last, "byte \(place)")
                #expect(next.replayed >= 6, "byte \(place)")
            } catch let JournalError.damaged(file, offset, _) {
                #expect(file == name && offset == frame ?? 0, "byte \(place)")
                #expect(frame != starts.last)
            }
        }
    }

    @Test("A damaged snapshot is an error, wherever it is")
    func damagedSnapshot() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append(12)
        life.journal.commit()
        try life.snapshot()
        let name = try #require(try disk.list().first { $0.hasPrefix("snapshot") })
        let whole = disk.bytes(of: name)
        for place in 0..<whole.count {
            var bytes = whole
            bytes[place] ^= 0x04
            disk.set(name, bytes)
            disk.unlock()
            #expect(throws: JournalError.self, "byte \(place)") { try JournalLife(disk) }
        }
        disk.set(name, Array(whole.dropLast(36)))
        #expect(throws: JournalError.self) { try JournalLife(disk) }
    }

    @Test("A missing segment is an error")
    func missingSegment() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append(2)
        life.journal.commit()
        let first = try Self.segment(disk)
        disk.change { $0.failingSyncs = 1 }
        try life.append(2)
        #expect(!life.journal.commit())
        #expect(life.journal.commit())
        disk.unlock()
        try disk.remove(first)
        let name = try Self.segment(disk)
        #expect(
            throws: JournalError.damaged(file: name, offset: 0, reason: "the records 1 to 2 are missing before it")
        ) { try JournalLife(disk) }
    }

    @Test("A record that the reader refuses ends the opening and frees the folder")
    func refusedRecord() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append()
        try life.journal.close()
        struct Refusal: Error {}
        let name = try Self.segment(disk)
        #expect(throws: JournalError.refused(file: name, offset: 76, reason: "Refusal()")) {
            try Journal.open(disk, driver: .caller, replay: { _ in throw Refusal() })
        }
        #expect(try JournalLife(disk).replayed == 1)
    }

    @Test("Two never have one folder")
    func lock() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        #expect(throws: JournalError.inUse(folder: "fake")) { try JournalLife(disk) }
        try life.journal.close()
        _ = try JournalLife(disk)
    }

    @Test("One snapshot at a time; a failed one leaves the journal as it was")
    func snapshots() throws {
        let disk = FakeDisk()
        let life = try JournalLife(disk)
        try life.append(3)
        let snapshot = try life.journal.beginSnapshot()
        #expect(throws: JournalError.snapshotIsRunning) { try life.journal.beginSnapshot() }
        disk.change { $0.capacity = 20 }
        #expect(throws: JournalError.self) {
            try snapshot.write([1])
            try snapshot.finish()
        }
        #expect(throws: JournalError.closed) { try snapshot.write([1]) }
        disk.change { $0.capacity = .max }
        life.journal.commit()
        try life.snapshot()
        #expect(try disk.list().count == 1)
        #expect(life.journal.figures.bytesSinceSnapshot == 0)
        try life.append()
        life.journal.commit()
        #expect(life.journal.figures.bytesSinceSnapshot > 0)
        #expect(try JournalLife(disk.crashed(.everything)).replayed == 4)

        let late = try life.journal.beginSnapshot()
        try late.write([1])
        try life.journal.close()
        #expect(throws: JournalError.closed) { try late.finish() }
    }
}
