import ArgumentParser
import Foundation
import Martlet

struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "The task broker, which Celery uses as if it were Redis: run it, copy it, back it up.",
        subcommands: [
            BrokerRunCommand.self, BrokerCopyCommand.self, BrokerBackupCommand.self, BrokerRestoreCommand.self,
        ],
        defaultSubcommand: BrokerRunCommand.self)
}

struct BrokerRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the task broker; what `martlet broker` alone does.",
        discussion: """
            It listens on 127.0.0.1:6379, or on 6380 when something else has that port, and prints the URL for \
            CELERY_BROKER_URL. What it acknowledged is on disk. SIGTERM ends it; nothing is lost.
            """)

    @Option(name: .long, help: "The address to listen on. Another one than this machine's own needs a password.")
    var host = "127.0.0.1"

    @Option(name: .long, help: "The port instead of 6379, or 6380 when that is taken.")
    var port: Int?

    @Option(name: .long, help: "The folder of the data; made when it is not there.")
    var data: String?

    @Option(name: .long, help: "A file that holds the password of clients; else MARTLET_BROKER_PASSWORD.")
    var passwordFile: String?

    @Option(name: .long, help: "A certificate (PEM), with --tls-key: clients then use rediss://.")
    var tlsCertificate: String?

    @Option(name: .long, help: "The certificate's private key (PEM).")
    var tlsKey: String?

    @Option(
        name: .long,
        help: """
            When a producer is told that its task is in: before (once it is on disk; the usual), or after (at once; it \
            is on disk a moment later, and a crash of the machine may cost that moment).
            """)
    var sync: String?

    @Option(name: .long, help: "The memory from which on producers are refused, such as 512MiB or 2GiB.")
    var memory: String?

    @Option(name: .long, help: "So often a task is given to workers that die of it; then it is a dead letter.")
    var maxDeliveries: Int?

    @Option(name: .long, help: "Serve /metrics at this address of this machine, such as 127.0.0.1:8082.")
    var console: String?

    func validate() throws {
        if (tlsCertificate == nil) != (tlsKey == nil) {
            throw ValidationError("--tls-certificate and --tls-key belong together")
        }
        if let maxDeliveries, maxDeliveries < 1 { throw ValidationError("--max-deliveries must be 1 or more") }
    }

    func run() async throws {
        var options = BrokerOptions(host: host, port: port)
        let environment = ProcessInfo.processInfo.environment
        try await tellingFailures {
            if let data { options.folder = data }
            options.password = try BrokerOptions.password(file: passwordFile, environment: environment)
            if let tlsCertificate, let tlsKey { options.tls = (tlsCertificate, tlsKey) }
            if let memory { try options.setMemory(memory) }
            if let sync { try options.setSync(sync) }
            if let maxDeliveries { options.maximumDeliveries = maxDeliveries }
            options.console = console
            try await BrokerProcess.run(options)
        }
    }
}
