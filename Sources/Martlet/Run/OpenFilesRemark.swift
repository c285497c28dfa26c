import Logging
import MartletNet

/// What start-up says about the limit on open files that the machine gives us.
enum OpenFilesRemark {
    /// The lines that lift the limit, as people paste them; nil where it is high enough.
    static func remedies(for limit: OpenFiles.Limit) -> Logger.Metadata? {
        guard limit.hard < MachineChecks.manyFiles else { return nil }
        return [
            "hard": "\(limit.hard)", "limits.conf": "\(OpenFiles.limitsRemedy)",
            "systemd": "\(OpenFiles.systemdRemedy)",
        ]
    }

    static func say(_ limit: OpenFiles.Limit, _ logger: Logger) {
        logger.info("open files", metadata: ["soft": "\(limit.soft)", "hard": "\(limit.hard)"])
        guard let remedies = remedies(for: limit) else { return }
        logger.warning("this machine allows few open files: each request in flight needs two", metadata: remedies)
    }
}
