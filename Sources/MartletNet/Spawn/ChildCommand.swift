/// What to run as a child process, and the bounds it runs in.
package struct ChildCommand: Sendable, Equatable {
    /// The program and its arguments. A program without a slash is looked up in `PATH`.
    package var arguments: [String]
    /// Variables set on top of Martlet's own environment.
    package var environment: [String: String]
    /// Variables of Martlet's own environment that the child does not inherit, unless `environment` sets them.
    package var withheld: [String]
    /// The working directory; nil: Martlet's own.
    package var directory: String?
    /// The most address space the child may map, in bytes (`RLIMIT_AS`); nil: Martlet's own limit.
    package var addressSpaceBytes: Int?
    /// The most files the child may hold open (`RLIMIT_NOFILE`, soft and hard); nil: Martlet's own limit.
    package var openFiles: Int?
    /// The most processor time the child may use in all, in seconds (`RLIMIT_CPU`); nil: Martlet's own limit. SIGXCPU
    /// ends it then, which says why, and SIGKILL a second later where that did not.
    package var cpuSeconds: Int?
    /// The largest file the child may write, in bytes (`RLIMIT_FSIZE`); nil: Martlet's own limit. SIGXFSZ ends it then.
    package var fileBytes: Int?
    /// Whom the child runs as; nil: as Martlet does.
    package var user: ChildUser?

    package init(
        arguments: [String],
        environment: [String: String] = [:],
        withheld: [String] = [],
        directory: String? = nil,
        addressSpaceBytes: Int? = nil,
        openFiles: Int? = nil,
        cpuSeconds: Int? = nil,
        fileBytes: Int? = nil,
        user: ChildUser? = nil
    ) {
        self.arguments = arguments
        self.environment = environment
        self.withheld = withheld
        self.directory = directory
        self.addressSpaceBytes = addressSpaceBytes
        self.openFiles = openFiles
        self.cpuSeconds = cpuSeconds
        self.fileBytes = fileBytes
        self.user = user
    }

    /// The command behind the small programs that set up the child and then become it, so that its process id is that
    /// of the command.
    ///
    /// `setpriv` asks the kernel to kill the child when Martlet dies. The kernel ties that to the *thread* that forked,
    /// which is safe here: Subprocess forks on one thread of its own, and that lives as long as the process. Limits and
    /// directory go the same way because a spawned child runs no code of ours before its `exec`.
    var wrappedArguments: [String] {
        var wrapped = ["setpriv", "--pdeathsig", "KILL", "--"]
        if addressSpaceBytes != nil || openFiles != nil || cpuSeconds != nil || fileBytes != nil {
            wrapped.append("prlimit")
            if let addressSpaceBytes { wrapped.append("--as=\(addressSpaceBytes)") }
            if let openFiles { wrapped.append("--nofile=\(openFiles)") }
            if let cpuSeconds { wrapped.append("--cpu=\(cpuSeconds):\(cpuSeconds + 1)") }
            if let fileBytes { wrapped.append("--fsize=\(fileBytes)") }
            wrapped.append("--")
        }
        if let user {
            // After the limits, which the user may not raise; whoever becomes another loses the death signal.
            wrapped += ["setpriv", "--pdeathsig", "KILL", "--reuid=\(user.name)", "--regid=\(user.group)"]
            wrapped += ["--init-groups", "--"]
        }
        if let directory {
            wrapped += ["env", "--chdir=\(directory)", "--"]
        }
        return wrapped + arguments
    }
}

/// How a child process ended.
package enum ChildExit: Sendable, Equatable {
    /// It ended by itself. 125 to 127 are also what the set-up programs answer when the command cannot be run.
    case exited(code: Int32)
    /// A signal ended it.
    case signalled(Int32)
    /// It never ran; the text says why.
    case notStarted(String)
}

/// Which of its standard streams a child wrote to.
package enum ChildStream: String, Sendable {
    case output = "stdout"
    case error = "stderr"
}
