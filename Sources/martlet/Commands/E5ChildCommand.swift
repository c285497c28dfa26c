import ArgumentParser
import Martlet

/// The process that computes e5's vectors, for the one that serves.
struct E5ChildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: E5Process.command, shouldDisplay: false)

    @Argument(help: "The folder of the engine and its weights.")
    var folder: String

    func run() throws { try E5Process.run(folder: folder) }
}
