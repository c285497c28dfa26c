package import MartletLogic

/// One entry of `workers`: a file whose models Martlet serves in processes of its own.
///
/// What the file says of itself (`max_batch`, `batch_window`, `batch_weight`, paths, devices, workers for each) holds
/// where this says nothing.
package struct WorkersConfiguration: Sendable, Equatable {
    /// What the processes may use.
    package struct Limits: Sendable, Equatable {
        /// Bytes of address space; nil: no limit of its own.
        package var addressSpace: Int?
        /// nil: Martlet's own limit.
        package var openFiles: Int?
        /// Seconds of processor time in the whole life of a process; nil: no limit.
        package var cpuSeconds: Int?

        package init() {}
    }

    /// `app`: the file, or `MODULE:NAME`. With a `command`, the name of its program.
    package var app: String
    /// `name`: in logs and metrics.
    package var name: String
    /// `python`: the interpreter.
    package var python = "python3"
    /// `command`: the program that is a worker by itself, and its arguments; nil: `python` with the SDK.
    package var command: [String]?
    /// `path`: serves the API there; nil: where the file says.
    package var path: String?
    /// `devices`; nil: what the file says.
    package var devices: [String]?
    /// `workers_per_device`; nil: what the file says.
    package var workersPerDevice: Int?
    /// `environment`: on top of Martlet's own.
    package var environment: [String: String] = [:]
    /// `directory`: where the processes run; nil: where Martlet does.
    package var directory: String?
    /// `user`: whom the processes run as; nil: as Martlet does.
    package var user: String?
    package var limits = Limits()
    /// `recycle`: when one that serves is replaced.
    package var recycle = RecyclePolicy()
    /// `scale`; nil: always as many as `devices` and `workers_per_device` say.
    package var scale: ScalePolicy?
    /// `max_batch`; nil: what the file says.
    package var maxBatch: Int?
    /// `batch_window`; nil: what the file says.
    package var batchWindow: Duration?
    /// `batch_bytes`: of bodies in one batch.
    package var batchBytes = BatchPolicy().maxBytes
    /// `batch_weight`: of the requests of one batch together; nil: what the file says.
    package var batchWeight: Int?
    /// `weight_by`: the member of the body that says what a request weighs; nil: what the file says.
    package var weightBy: String?
    /// `shared_memory`: bytes of bodies to each worker, and as many from it; nil: `off`.
    package var sharedMemory: Int? = 64 << 20
    /// `timeout`: until an answer begins, from when it is the request's turn; nil: ten minutes.
    package var timeout: Duration?
    /// `kill_after`; nil: `off`.
    package var killAfter: Duration? = .seconds(300)
    /// `objective`; nil: `off`.
    package var objective: Duration?
    /// `mcp`: its APIs are tools for assistants.
    package var isToolForAssistants = true
    package var queue = QueuePolicy()
    /// `ready`, `restart`, `grace`.
    package var policy = BackendPolicy()

    package init(app: String, name: String) {
        self.app = app
        self.name = name
    }
}
