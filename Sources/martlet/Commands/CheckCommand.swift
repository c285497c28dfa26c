import ArgumentParser
import Foundation
import Martlet

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validate a configuration file: every error with its line.")

    @Argument(help: "The configuration file.")
    var file: String

    func run() throws {
        let configuration = try tellingMistakes {
            try Configuration.load(file: file, environment: ProcessInfo.processInfo.environment)
        }
        print(configuration.explain())
    }
}
