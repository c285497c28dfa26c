import NIOPosix

/// Threads for the code of one model: however long it computes, it keeps no event loop and no other model waiting.
final class ModelThreads: TaskExecutor {
    private let pool: NIOThreadPool

    init(_ count: Int) {
        pool = NIOThreadPool(numberOfThreads: max(1, count))
        pool.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // SAFETY: the closure keeps the executor alive while the job runs, which it does once.
        pool.submit { [self] _ in unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
