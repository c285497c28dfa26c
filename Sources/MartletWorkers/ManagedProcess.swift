/// A process that Martlet runs: what is started, and what it does then.
package struct ManagedProcess: Sendable, Equatable {
    package var spec: BackendSpec
    /// What it does as a worker of a group; nil: it serves HTTP.
    package var worker: WorkerRole?

    package init(_ spec: BackendSpec, worker: WorkerRole? = nil) {
        self.spec = spec
        self.worker = worker
    }

    /// What one instance runs: of no concern to it is how many others there are.
    func single(_ index: Int) -> ManagedProcess {
        ManagedProcess(spec.single(index), worker: worker?.single(index))
    }
}
