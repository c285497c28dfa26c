import ArgumentParser
import Foundation
import Martlet

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at the machine, a configuration and its targets: what is wrong, and what mends it.",
        discussion: "Changes nothing. The exit status is 1 when something does not serve.")

    @Argument(help: "The configuration file; without it, what `martlet up` would serve.")
    var file: String?

    @Flag(help: "JSON, for programs.")
    var json = false

    func run() async throws {
        let diagnosis = await Doctor.examine(file: file, environment: ProcessInfo.processInfo.environment)
        print(json ? try diagnosis.json() : diagnosis.text)
        guard diagnosis.count(.failure) == 0 else { throw ExitCode(1) }
    }
}
