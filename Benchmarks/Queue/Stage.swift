import Logging
import MartletLogic
import MartletNet
import MartletTasks
import MartletWire
import NIOCore
import NIOPosix
import Synchronization

/// A producer and a worker, each with its own connections, as two programs would have.
struct Stage: Sendable {
    static let queue = "bench"
    static let task = "bench.nothing"

    let producer: TaskBroker
    let worker: TaskWorker
    let executor = Nothing()
    private let broker: TaskBroker
    private let loops: MultiThreadedEventLoopGroup

    init(url: RedisURL, logger: Logger) throws {
        loops = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        producer = TaskBroker(url, on: loops, logger: logger)
        broker = TaskBroker(url, on: loops, logger: logger)
        var policy = DeskPolicy()
        policy.slots = 64
        let settings = TaskWorkerSettings(name: "bench@bench", queues: [Self.queue], desk: policy)
        worker = TaskWorker(settings: settings, broker: broker, executors: [executor], logger: logger)
    }

    func end() async throws {
        await producer.close()
        await broker.close()
        try await loops.shutdownGracefully()
    }

    /// A message for the queue, and the id of its task.
    static func message(_ number: Int) -> (id: String, message: OutgoingMessage) {
        let id = RandomID.make()
        var task = OutgoingTask(name: task, id: id, args: RawJSON(list: [RawJSON("\(number)")]))
        task.queue = queue
        let bytes = task.message(deliveryTag: RandomID.make(), now: 0)
        return (id, (key: queue, queue: queue, message: ByteBuffer(bytes: bytes)))
    }
}

/// Runs tasks that do nothing, and notes when.
final class Nothing: TaskExecutor {
    private let starts = Mutex<[String: ContinuousClock.Instant]>([:])
    private let ran = Atomic<Int>(0)
    private let notes = Atomic<Bool>(false)

    var tasks: [TaskDescription] { [TaskDescription(name: Stage.task)] }
    var count: Int { ran.load(ordering: .relaxed) }

    func run(_ run: TaskRun) async -> TaskOutcome {
        if notes.load(ordering: .relaxed) { starts.withLock { $0[run.message.id] = .now } }
        ran.add(1, ordering: .relaxed)
        return .success(.null, runtime: 0)
    }

    func beginNotes() { notes.store(true, ordering: .relaxed) }

    func takeStart(of id: String) -> ContinuousClock.Instant? { starts.withLock { $0.removeValue(forKey: id) } }
}
