import MartletLogic
import Synchronization

/// The figures that the workers of a group report of themselves (`METRIC`), the last value of each.
///
/// They become series of `/metrics`: their number and their names are bounded, whatever an app sends.
package final class AppFigures: Sendable {
    package struct Row: Sendable, Equatable {
        /// Which of the workers, counted from 0.
        package let worker: Int
        package let name: String
        package let value: Double
    }

    private struct Key: Hashable {
        let worker: Int
        let name: String
    }

    private struct Figure {
        let value: Double
        let reporter: WorkerNumber
    }

    /// Names that a group may have.
    static let mostNames = 64
    static let longestName = 100

    private struct State {
        var figures: [Key: Figure] = [:]
        var names: Set<String> = []
    }

    private let state = Mutex(State())

    init() {}

    /// While one worker takes the place of another both have its number: what the newer one says counts.
    ///
    /// - Parameter worker: Which of the group's, counted from 0.
    /// - Returns: false where it is not kept, for its name or because there are too many.
    @discardableResult
    func report(_ name: String, _ value: Double, of worker: Int, by reporter: WorkerNumber) -> Bool {
        guard Self.isName(name), value.isFinite else { return false }
        return state.withLock { state in
            guard state.names.contains(name) || state.names.count < Self.mostNames else { return false }
            state.names.insert(name)
            let key = Key(worker: worker, name: name)
            if let former = state.figures[key], former.reporter.rawValue > reporter.rawValue { return true }
            state.figures[key] = Figure(value: value, reporter: reporter)
            return true
        }
    }

    /// The worker is gone: what it said last holds no longer.
    func forget(_ reporter: WorkerNumber) {
        state.withLock { state in state.figures = state.figures.filter { $0.value.reporter != reporter } }
    }

    /// By name, then by worker.
    package var rows: [Row] {
        state.withLock { $0.figures.map { Row(worker: $0.key.worker, name: $0.key.name, value: $0.value.value) } }
            .sorted { ($0.name, $0.worker) < ($1.name, $1.worker) }
    }

    /// Letters, digits and what separates them in names of metrics elsewhere.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= longestName
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ":"): true
                default: false
                }
            }
    }
}
