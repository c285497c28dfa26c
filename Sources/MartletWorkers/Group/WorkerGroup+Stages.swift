import MartletBase
import MartletLogic
import MartletNet
import Synchronization

// A group as a stage of a pipeline.
extension WorkerGroup {
    /// It and those after it.
    package var stages: [WorkerGroup] { [self] + (next?.stages ?? []) }

    /// How many requests it and those after it can hold to advantage.
    package var roomInAll: Int { stages.map(\.room).reduce(0, +) }

    /// So many requests more (negative: fewer) are in earlier stages and will come here.
    func expect(_ count: Int) { state.withLock { $0.onTheirWay += count } }

    /// Whether a worker is there or on its way; where none is, those who wait for one are given up, and those who come
    /// from an earlier stage.
    package func hope(_ isOn: Bool) {
        let now = Instant.current
        change(now: now) { state in
            state.isGivenUp = !isOn
            return ((), state.turnAway())
        }
    }
}

extension WorkerGroup.State {
    /// Gives up those who wait where no worker is, nor is to come.
    mutating func turnAway() -> [BatchAction] { isGivenUp && seats.isEmpty ? machine.turnAway() : [] }
}
