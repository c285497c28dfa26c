import Glibc
import MartletLogic
import MartletStore

/// What monitors are told about this process.
enum ProcessFacts {
    static let id = getpid()

    /// Another one for each run of the broker.
    static let runID = (0..<40).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
}

extension JournalFigures {
    var facts: BrokerFacts.Journal {
        BrokerFacts.Journal(
            records: records, bytes: bytes, syncs: syncs, syncMilliseconds: syncSeconds * 1000, failures: failures)
    }
}
