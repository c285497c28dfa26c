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
        // A file takes any length; a pipe that nobody reads meanwhile would stop the program when it is full.
        let file = FileManager.default.temporaryDirectory.appending(path: "martlet-output-\(UUID().uuidString)")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let output = try FileHandle(forWritingTo: file)
        process.executableURL = program
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        do {
            let name = ([program.lastPathComponent] + arguments.prefix(2)).joined(separator: " ")
            try await until("`\(name)` to end", within: limit) { !process.isRunning }
        } catch {
            process.terminate()
            throw error
        }
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        return CommandRun(status: process.terminationStatus, output: text)
    }
}
