package import MartletLogic

/// One entry of `backends:`: a command that serves HTTP on a port, run by Martlet in one or more instances.
package struct BackendSpec: Sendable, Equatable {
    /// Its name in the configuration; targets, logs and `/status` use it.
    package var name: String
    /// The program and its arguments. `{port}` in an argument becomes the instance's port.
    package var command: [String]
    /// Variables set on top of Martlet's own environment; `{port}` is filled in here as well.
    package var environment: [String: String] = [:]
    /// The working directory; nil: Martlet's own.
    package var directory: String?
    /// How many processes run the command.
    package var instances = 1
    /// The port of the first instance, the next ones count up from it; nil: Martlet picks free ones, anew for each
    /// start.
    package var port: Int?
    /// `ready.path`: where a 2xx answer means that the process can serve.
    package var readyPath = "/health"
    /// How long one ready check may take.
    package var checkTimeout: Duration = .seconds(2)
    /// The most address space of a process, in bytes; nil: no limit of its own.
    package var addressSpaceBytes: Int?
    /// The most files a process may hold open; nil: no limit of its own.
    package var openFiles: Int?
    /// Seconds of processor time in the whole life of a process; nil: no limit.
    package var cpuSeconds: Int?
    /// The user that its processes run as; nil: Martlet's own.
    package var user: String?
    /// `ready.within`, the check interval, the grace of a stop, restarts.
    package var policy = BackendPolicy()

    package init(name: String, command: [String]) {
        self.name = name
        self.command = command
    }
}

extension BackendSpec {
    /// What one instance runs: of no concern to it is how many others there are.
    func single(_ index: Int) -> BackendSpec {
        var single = self
        single.instances = 1
        single.port = port.map { $0 + index }
        return single
    }
}
