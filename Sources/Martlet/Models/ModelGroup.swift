import MartletBase
import MartletExchange
import MartletLogic
import MartletNet
import MartletWorkers
import NIOCore
import Synchronization

/// A model and the requests that it computes: the driver around a ``BatchMachine`` whose one worker is this process.
///
/// One lock, taken when a request comes, when it is called off and when a batch ends.
final class ModelGroup<Served: Model>: Sendable {
    private typealias Answer = CheckedContinuation<Served.Output, any Error>

    /// A request from when it comes until it is answered.
    private struct Entry {
        let input: Served.Input
        let deadline: Instant
        /// nil until its task waits for it, and when nobody wants the answer any more.
        var answer: Answer?
        var isCalledOff = false
        /// The error of the batch that it was in.
        var complaint: (any Error)?
    }

    private struct Batch {
        var task: Task<Void, Never>
        /// Requests of it that somebody wants.
        var wanted: Set<ItemID>
    }

    private struct State {
        var machine: BatchMachine
        var entries: [ItemID: Entry] = [:]
        var batches: [UInt64: Batch] = [:]
        var lastItem: UInt64 = 0
        /// Calls the machine at the time it asked for.
        var alarm: Scheduled<Void>?
    }

    /// The only worker: this process.
    private static var worker: WorkerNumber { WorkerNumber(0) }

    private let model: Served
    private let dispatch: Dispatch
    private let threads: ModelThreads
    private let clock: any EventLoop
    private let state: Mutex<State>

    /// - Parameter concurrent: Batches that are computed at one time.
    init(
        _ model: Served, policy: BatchPolicy, concurrent: Int, threads: ModelThreads, dispatch: Dispatch,
        clock: any EventLoop
    ) {
        self.model = model
        self.dispatch = dispatch
        self.threads = threads
        self.clock = clock
        var machine = BatchMachine(policy: policy)
        let capacity = WorkerCapacity(maxBatch: policy.maxBatch, concurrent: concurrent)
        // Nothing waits yet: there is nothing to carry out.
        _ = machine.ready(Self.worker, capacity, now: .current)
        state = Mutex(State(machine: machine))
    }

    /// Requests that are not computed yet.
    var waiting: Int { state.withLock { $0.machine.waiting } }

    /// The output for one input. A cancelled task calls it off.
    ///
    /// - Parameter bytes: How long its body was.
    /// - Throws: what the model throws, or a `MartletError` where it is not computed at all.
    func compute(
        _ input: Served.Input, bytes: Int, priority: PriorityClass, deadline: Instant
    ) async throws -> Served.Output {
        let id = state.withLock { state in
            state.lastItem += 1
            let id = ItemID(state.lastItem)
            state.entries[id] = Entry(input: input, deadline: deadline)
            return id
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { answer in
                change { state, now in
                    guard state.entries[id]?.isCalledOff == false else {
                        state.entries[id] = nil
                        return ([{ answer.resume(throwing: CancellationError()) }], [])
                    }
                    state.entries[id]?.answer = answer
                    let item = BatchItem(id: id, bytes: bytes, priority: priority, deadline: deadline)
                    return ([], state.machine.arrived(item, now: now))
                }
            }
        } onCancel: {
            callOff(id)
        }
    }

    /// Its task hears so at once; the batch that it is in ends when nobody wants any of it.
    private func callOff(_ id: ItemID) {
        change { state, now in
            guard state.entries[id] != nil else { return ([], []) }
            state.entries[id]?.isCalledOff = true
            guard let answer = state.entries[id]?.answer else { return ([], []) }
            state.entries[id]?.answer = nil
            for number in state.batches.keys where state.batches[number]?.wanted.remove(id) != nil {
                if state.batches[number]?.wanted.isEmpty == true { state.batches[number]?.task.cancel() }
            }
            return ([{ answer.resume(throwing: CancellationError()) }], state.machine.cancel(id, now: now))
        }
    }

    // MARK: Carrying out

    /// Who hears of it, when the lock is free again.
    private typealias News = [@Sendable () -> Void]

    private func change(_ body: (inout State, Instant) -> (News, [BatchAction])) {
        let now = Instant.current
        let news = state.withLock { state in
            let (news, actions) = body(&state, now)
            return news + actions.flatMap { carryOut($0, &state) }
        }
        for tell in news { tell() }
    }

    private func carryOut(_ action: BatchAction, _ state: inout State) -> News {
        switch action {
        case .send(_, let batch, let ids):
            begin(batch, ids, &state)
        case .forget(let id):
            state.entries[id] = nil
        case .fail(let id, let failure):
            guard let entry = state.entries.removeValue(forKey: id), let answer = entry.answer else { return [] }
            let error = failure == .failed ? entry.complaint ?? failure.error : failure.error
            return [{ answer.resume(throwing: error) }]
        case .wake(let time):
            state.alarm?.cancel()
            state.alarm = clock.scheduleTask(deadline: NIODeadline.uptimeNanoseconds(time.nanoseconds)) {
                self.change { ([], $0.machine.woken(now: $1)) }
            }
        // Its task was told; a process that serves is not killed for one of its models.
        case .cancel, .kill: break
        }
        return []
    }

    private func begin(_ batch: UInt64, _ ids: [ItemID], _ state: inout State) {
        let entries = ids.compactMap { state.entries[$0] }
        let inputs = entries.map(\.input)
        let run = Run(asking: dispatch.until(entries.map(\.deadline).max() ?? .never))
        let model = model
        let task = Task(executorPreference: threads) {
            let result: Result<[Served.Output], any Error>
            do {
                result = .success(
                    try await Run.$current.withValue(run) {
                        inputs.count == 1 ? [try await model.predict(inputs[0])] : try await model.batch(inputs)
                    })
            } catch {
                result = .failure(error)
            }
            self.end(batch, ids, result)
        }
        state.batches[batch] = Batch(task: task, wanted: Set(ids))
    }

    private func end(_ batch: UInt64, _ ids: [ItemID], _ result: Result<[Served.Output], any Error>) {
        change { state, now in
            state.batches[batch] = nil
            var (news, actions): (News, [BatchAction]) = ([], [])
            for (place, id) in ids.enumerated() {
                switch Self.output(result, place, of: ids.count) {
                case .success(let output):
                    if let answer = state.entries.removeValue(forKey: id)?.answer {
                        news.append { answer.resume(returning: output) }
                    }
                    actions += state.machine.finished(id, .answered, now: now)
                case .failure(let error):
                    state.entries[id]?.complaint = error
                    actions += state.machine.finished(id, .failedInBatch, now: now)
                }
            }
            return (news, actions)
        }
    }

    private static func output(
        _ result: Result<[Served.Output], any Error>, _ place: Int, of count: Int
    ) -> Result<Served.Output, any Error> {
        result.flatMap { outputs in
            guard outputs.count == count else {
                let cause = "the model gave \(outputs.count) outputs for a batch of \(count)"
                return .failure(MartletError(.workerFailed, cause: cause))
            }
            return .success(outputs[place])
        }
    }
}
