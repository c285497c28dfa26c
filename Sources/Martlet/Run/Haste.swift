import MartletBase
import MartletNet
import Synchronization
import UnixSignals

/// Whether whoever asked for the end has asked again: what takes its time then ends at once.
final class Haste: Sendable {
    /// SIGTERM or SIGINT that come again within this are the first one: `killall` sends it to this process and to its
    /// parent, which passes it on.
    private static let moment: Duration = .seconds(1)

    private let flag = Atomic(false)

    var isMade: Bool { flag.load(ordering: .relaxed) }

    /// The signals that ask, heard for the rest of the process's life: unheard, SIGQUIT would end it with a core dump.
    static func signals() async -> UnixSignalsSequence {
        await UnixSignalsSequence(trapping: .sigterm, .sigint, .sigquit)
    }

    /// Returns when haste is asked for: by the second SIGTERM or SIGINT, or by SIGQUIT, which is how the parent says
    /// that it was told twice.
    func awaitSecond(of signals: UnixSignalsSequence) async {
        var first: Instant?
        for await signal in signals {
            let began = first ?? .current
            first = began
            if signal == .sigquit || Instant.current - began >= Self.moment { break }
        }
        flag.store(!Task.isCancelled, ordering: .relaxed)
    }
}
