import Synchronization

/// One Swift task in which tasks run, one after the other, until one of them is cancelled: cancelling is for ever.
final class TaskRunner: Sendable {
    private struct State {
        var task: Task<Void, Never>?
        var isCancelled = false
    }

    private let state = Mutex(State())

    /// Runs `body` and returns when it has ended. Cancelling the task that waits here cancels it.
    func run(_ body: @escaping @Sendable () async -> Void) async {
        let task = Task { await body() }
        let isCancelled = state.withLock { state in
            state.task = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    func cancel() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }
}
