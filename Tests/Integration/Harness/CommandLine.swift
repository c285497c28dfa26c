import Foundation

/// One run of a program to its end.
struct CommandRun: Sendable {
    var status: Int32
    var output: String

    static func martlet(_ arguments: String..., within limit: Duration = .seconds(10)) async throws -> CommandRun {
        try await run(try Repository.binary, arguments, within: limit)
    }

    /// A program found along `PATH`.
    static func tool(_ name: String, _ arguments: [String]) async throws -> CommandRun {
        try await run(URL(fileURLWithPath: "/usr/bin/env"), [name] + arguments, within: .seconds(20))
    }

    private static func run(_ program: URL, _ arguments: [String], within limit: Duration) async throws -> CommandRun {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = program
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        do {
            let name = ([program.lastPathComponent] + arguments.prefix(2)).joined(separator: " ")
            try await until("`\(name)` to end", within: limit) { !process.isRunning }
        } catch {
            process.terminate()
            throw error
        }
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        return CommandRun(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }
}
