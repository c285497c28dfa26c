import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import Synchronization

/// Tasks that are run together: one call, and an end for each.
extension TaskWorker {
    /// Runs what came along with the task `first`, and that one. The others' ends are told; the first one's, with which
    /// the slot is free, is the value.
    func runBatch(of first: DeliveryID, _ run: TaskRun, _ kind: KnownTask) async -> TaskOutcome {
        let others = beginOthers(of: first, run)
        for other in others { await announce(other.run, kind, other.unique) }
        let outcomes = await kind.executor.run(batch: [run] + others.map(\.run))
        let missing = TaskOutcome.lost(reason: "its batch ended without an outcome for it")
        end(others.enumerated().map { ($1.id, outcomes.count > $0 + 1 ? outcomes[$0 + 1] : missing) })
        return outcomes.first ?? missing
    }

    private struct Other {
        var id: DeliveryID
        var run: TaskRun
        var unique: UniqueHold?
    }

    /// Their limits are those of the first, and so is their runner: one of them is not ended by itself.
    private func beginOthers(of first: DeliveryID, _ run: TaskRun) -> [Other] {
        let now = TaskTime.current
        return state.withLock { state in
            state.desk.batch(of: first).dropFirst().compactMap { id in
                guard let held = state.held[id] else { return nil }
                state.desk.started(id, now: now)
                held.startedAt = Double(now.wall) / 1000
                state.counters[held.hand.message.name, default: .init()].started += 1
                let run = taskRun(held, soft: run.softDeadline, hard: run.deadline)
                return Other(id: id, run: run, unique: held.hand.unique)
            }
        }
    }

    private func end(_ ends: [(id: DeliveryID, outcome: TaskOutcome)]) {
        for end in ends { progress.drop(end.id) }
        change { state, now in
            ends.flatMap { id, outcome in
                state.held[id]?.outcome = outcome
                return state.desk.ended(id, RunEnd(outcome), now: now)
            }
        }
    }
}
