import Foundation

/// One run of a program to its end.
struct CommandRun: Sendable {
    var status: Int32
    var standardOutput: String
    var standardError: String

    /// Both, what it wrote to standard error first.
    var output: String { standardError + standardOutput }

    static func martlet(_ arguments: String..., within limit: Duration = .seconds(10)) async throws -> CommandRun {
        try await run(try Repository.binary, arguments, within: limit)
    }

    /// A program found along `PATH`.
    static func tool(
        _ name: String, _ arguments: [String], within limit: Duration = .seconds(20)
    ) async throws -> CommandRun {
        try await run(URL(fileURLWithPath: "/usr/bin/env"), [name] + arguments, within: limit)
    }

    private static func run(_ program: URL, _ arguments: [String], within limit: Duration) async throws -> CommandRun {
        let process = Process()
        // A file takes any length; a pipe that nobody reads meanwhile would stop the program when it is full.
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-output-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (output, error) = (folder.appending(path: "output"), folder.appending(path: "error"))
        for file in [output, error] { try Data().write(to: file) }
        process.executableURL = program
        process.arguments = arguments
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: error)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        do {
            let name = ([program.lastPathComponent] + arguments.prefix(2)).joined(separator: " ")
            try await until("`\(name)` to end", within: limit) { !process.isRunning }
        } catch {
            process.terminate()
            throw error
        }
        return CommandRun(
            status: process.terminationStatus,
            standardOutput: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            standardError: String(decoding: try Data(contentsOf: error), as: UTF8.self))
    }
}
