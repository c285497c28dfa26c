import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// `martlet mock` as a process of its own, so that it can die as a backend dies.
final class MockProcess {
    let port: Int
    private let arguments: [String]
    private var process: Process

    var url: String { "http://127.0.0.1:\(port)" }

    /// Starts it on a port that is free, and returns once it listens.
    static func start(_ arguments: String...) async throws -> MockProcess {
        let (process, port) = try await run(port: 0, arguments)
        return MockProcess(process: process, port: port, arguments: arguments)
    }

    private init(process: Process, port: Int, arguments: [String]) {
        self.process = process
        self.port = port
        self.arguments = arguments
    }

    /// SIGKILL: its connections are reset or ended by the kernel, whatever they were at.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Once more at the same port.
    func restart() async throws {
        (process, _) = try await Self.run(port: port, arguments)
    }

    private static func run(port: Int, _ arguments: [String]) async throws -> (Process, port: Int) {
        let process = Process()
        process.executableURL = try Repository.binary
        process.arguments = ["mock", "--port", "\(port)"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        // It says where it listens in its first line; an end before that is an empty one.
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let stated = line.split(separator: ":").last.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        return (process, try #require(stated, "martlet mock did not start"))
    }
}

/// Runs `body` with so many backends that can be killed, and ends them.
func withMockProcesses(_ count: Int, _ body: ([MockProcess]) async throws -> Void) async throws {
    var mocks: [MockProcess] = []
    defer { for mock in mocks { mock.kill() } }
    for _ in 0..<count { mocks.append(try await MockProcess.start("--interval", "10ms", "--tokens", "20")) }
    try await body(mocks)
}
