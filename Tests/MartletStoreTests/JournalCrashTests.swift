import MartletStore
import Testing

@Suite("Whatever a crash leaves, all that was acknowledged is there, in order, and nothing else is")
struct JournalCrashTests {
    /// A life that ends at an operation; whether that still had its effect.
    private static func live(
        until operation: Int, late: Bool
    ) throws -> (disk: FakeDisk, acknowledged: UInt64, appended: UInt64) {
        let disk = FakeDisk()
        disk.change { ($0.failsFrom, $0.failsLate) = (operation, late) }
        // On an empty disk the opening syncs the folder, and may fail.
        guard let life = try? JournalLife(disk) else { return (disk, 0, 0) }
        try? life.run()
        return (disk, life.acknowledged, life.appended)
    }

    /// Opens what is left, checks it, goes on with it and checks that as well.
    private static func check(
        _ disk: FakeDisk, _ known: ClosedRange<UInt64>, _ context: String
    ) throws {
        let life = try JournalLife(disk)
        try #require(known.contains(life.replayed), "\(life.replayed) of \(known), \(context)")
        try life.append(3)
        try #require(life.journal.commit(), "\(context)")
        try #require(life.acknowledged == life.replayed + 3, "\(context)")
        // What was acknowledged after a crash survives the next one.
        let next = try JournalLife(disk.crashed(.everything))
        try #require(next.replayed == life.appended, "\(next.replayed) of \(life.appended), \(context)")
    }

    private static let operations: Int = {
        let disk = FakeDisk()
        try? JournalLife(disk).run()
        return disk.operations.count
    }()

    private static let losses: [FakeDisk.Loss] =
        [.nothing, .everything, .contents, .names] + (1...12).map { .random($0) }

    @Test("A crash at every operation, with every kind of loss")
    func everyOperation() throws {
        #expect(Self.operations > 40)
        for operation in 0...Self.operations {
            for late in [false, true] {
                let (disk, acknowledged, appended) = try Self.live(until: operation, late: late)
                for loss in Self.losses {
                    try Self.check(
                        disk.crashed(loss), acknowledged...max(acknowledged, appended),
                        "operation \(operation) late \(late), \(loss)")
                }
            }
        }
    }

    @Test("The last write torn after every byte")
    func everyByte() throws {
        for operation in 0..<Self.operations {
            let (disk, acknowledged, appended) = try Self.live(until: operation, late: true)
            guard disk.operations.count > operation, disk.operations[operation].hasPrefix("write") else { continue }
            for bytes in 0..<220 {
                try Self.check(
                    disk.crashed(.torn(bytes)), acknowledged...appended, "operation \(operation), torn after \(bytes)")
            }
        }
    }

    @Test("A second crash at every operation of the recovery")
    func crashInRecovery() throws {
        for operation in 0..<Self.operations {
            let (first, acknowledged, appended) = try Self.live(until: operation, late: true)
            for loss in [FakeDisk.Loss.nothing, .everything, .random(1), .random(2)] {
                for second in 0..<8 {
                    let disk = first.crashed(loss)
                    disk.change { ($0.failsFrom, $0.failsLate) = (second, operation % 2 == 0) }
                    var least = acknowledged
                    if let life = try? JournalLife(disk) {
                        // Whoever opened it has seen this; it must not vanish.
                        least = max(least, life.replayed)
                    }
                    let seed = UInt64(second)
                    for last in [FakeDisk.Loss.nothing, .everything, .random(10 + seed), .random(20 + seed)] {
                        try Self.check(
                            disk.crashed(last), least...max(least, appended),
                            "operation \(operation), \(loss), then \(second), \(last)")
                    }
                }
            }
        }
    }
}
