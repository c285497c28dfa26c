import MartletLogic
import MartletStore

/// Backups of a broker's data: one file, made also while the broker runs, and a folder made of it.
///
/// Waits for the disk.
package enum BrokerBackup {
    /// What a backup holds.
    package struct Contents: Sendable, Equatable {
        package var keys = 0
        /// For workers: those that wait, those that wait for their time, those that workers had.
        package var messages = 0
        package var deadLetters = 0
        /// About, in memory.
        package var bytes = 0
    }

    /// Writes what a folder holds into a new file, and reads that again.
    ///
    /// - Throws: `JournalError`.
    package static func make(of data: String, _ name: String, in folder: String) throws -> Contents {
        let found = try Backup.read(data, empty: { Keyspace() }) { try $0.replay($1) }
        try Backup.write(name, in: folder, next: found.next) { (write) throws(JournalError) in
            try found.state.forEachMutation { (mutation) throws(JournalError) in
                try write(MutationCodec.encode([mutation]))
            }
        }
        return try check(name, in: folder)
    }

    /// Reads a whole backup.
    package static func check(_ name: String, in folder: String) throws -> Contents {
        var keyspace = Keyspace()
        try Backup.read(name, in: folder) { try keyspace.replay($0) }
        return contents(keyspace)
    }

    /// Makes a folder hold what a backup holds, once all of that was read.
    package static func restore(_ name: String, in folder: String, to data: String) throws -> Contents {
        let contents = try check(name, in: folder)
        try Backup.restore(name, in: folder, to: data)
        return contents
    }

    private static func contents(_ keyspace: Keyspace) -> Contents {
        var machine = BrokerMachine(keyspace: keyspace, reader: .celery, now: BrokerDriver.now)
        let reading = machine.reading(now: BrokerDriver.now)
        var contents = Contents()
        contents.keys = (0..<Keyspace.databaseCount).reduce(0) { $0 + keyspace.count(in: $1) }
        contents.messages = reading.queues.reduce(0) { $0 + $1.ready + $1.delayed + $1.taken }
        contents.deadLetters = reading.queues.reduce(0) { $0 + $1.dead }
        contents.bytes = keyspace.bytes
        return contents
    }
}
