package import MartletLogic

/// One entry of `workers`: a file whose models Martlet serves in processes of its own.
///
/// What the file says of itself (`max_batch`, `batch_window`, paths, devices, workers for each) holds where this says
/// nothing.
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

    /// `app`: the file, or `MODULE:NAME`.
    package var app: String
    /// `name`: in logs and metrics.
    package var name: String
    /// `python`: the interpreter.
    package var python = "python3"
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
    package var limits = Limits()
    /// `max_batch`; nil: what the file says.
    package var maxBatch: Int?
    /// `batch_window`; nil: what the file says.
    package var batchWindow: Duration?
    /// `batch_bytes`: of bodies in one batch.
    package var batchBytes = BatchPolicy().maxBytes
    /// `timeout`: until an answer begins, from when it is the request's turn; nil: ten minutes.
    package var timeout: Duration?
    /// `kill_after`; nil: `off`.
    package var killAfter: Duration?
    /// `objective`; nil: `off`.
    package var objective: Duration?
    package var queue = QueuePolicy()
    /// `ready`, `restart`, `grace`.
    package var policy = BackendPolicy()

    package init(app: String, name: String) {
        self.app = app
        self.name = name
    }
}
