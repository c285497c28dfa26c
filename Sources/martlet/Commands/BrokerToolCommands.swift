import ArgumentParser
import Foundation
import Martlet

struct BrokerCopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy what a broker holds to another one: from Redis to Martlet's, or the way back.",
        discussion: """
            Messages on all priorities, those that wait for their time, dead letters, bindings, results, groups and \
            chords. What workers have taken and not acknowledged goes back to its queue there, and would be run \
            twice: stop producers and workers before. Nothing is removed from where it came from. Copying again brings \
            only what is new.
            """)

    @Argument(help: "Where it is, such as redis://127.0.0.1:6379/0; one database at a time.")
    var from: String

    @Argument(help: "Where it is to be.")
    var to: String

    @Flag(name: .long, help: "Also where there is data already; what is there stays.")
    var intoExisting = false

    @Option(name: .long, help: "A file that holds the password of the first one.")
    var fromPasswordFile: String?

    @Option(name: .long, help: "A file that holds the password of the second one.")
    var toPasswordFile: String?

    func run() async throws {
        try await tellingFailures {
            let report = try await BrokerTools.copy(
                from: try BrokerTools.url(from, passwordFile: fromPasswordFile),
                to: try BrokerTools.url(to, passwordFile: toPasswordFile), intoExisting: intoExisting)
            print(report.text)
            if !report.isComplete { throw ExitCode(1) }
        }
    }
}

struct BrokerBackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write what the broker holds into one file, also while it runs.",
        discussion: "All that was acknowledged when it begins is in it. The file is read again before it counts.")

    @Argument(help: "The file; one that is there is not written over.")
    var file: String

    @Option(name: .long, help: "The folder of the broker's data.")
    var data: String?

    func run() async throws {
        try await tellingFailures { print(try BrokerTools.backup(to: file, data: data)) }
    }
}

struct BrokerRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a folder hold what a backup holds, for a broker to be started on it.")

    @Argument(help: "The backup.")
    var file: String

    @Option(name: .long, help: "The folder; one that holds a broker's data already is not written over.")
    var data: String

    func run() async throws {
        try await tellingFailures { print(try BrokerTools.restore(file, data: data)) }
    }
}
