import Foundation

/// strace on a running process, with an error put in for system calls.
struct Tracer {
    private let process: Process

    /// A child inherits the signals that our thread blocks, and strace would never hear that it is to stop.
    private static let unblocked =
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execvp(sys.argv[1], sys.argv[1:])"

    /// Attaches to every thread, and returns once it is there.
    ///
    /// - Parameter injection: as strace has it, such as `socket:error=EMFILE`.
    static func start(_ pid: Int32, _ injection: String) async throws -> Tracer {
        let folder = "/proc/\(pid)/task"
        return try await start(["-f", "-p", "\(pid)"], injection) {
            try FileManager.default.contentsOfDirectory(atPath: folder).map { "\(folder)/\($0)" }
        }
    }

    /// Attaches to these threads only.
    static func start(_ pid: Int32, threads: [String], _ injection: String) async throws -> Tracer {
        try await start(threads.flatMap { ["-p", $0] }, injection) { threads.map { "/proc/\(pid)/task/\($0)" } }
    }

    /// The threads of the event loops.
    static func loops(_ pid: Int32) throws -> [String] {
        let folder = "/proc/\(pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { task in
            try String(contentsOfFile: "\(folder)/\(task)/comm", encoding: .utf8).hasPrefix("NIO-ELT-")
        }
    }

    private static func start(
        _ target: [String], _ injection: String, tasks: () throws -> [String]
    ) async throws -> Tracer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let calls = injection.prefix { $0 != ":" }
        process.arguments = ["python3", "-c", unblocked, "strace"] + target
            + ["-o", "/dev/null", "-e", "trace=\(calls)", "-e", "inject=\(injection)"]
        process.standardError = FileHandle.nullDevice
        try process.run()
        try await until("strace to be attached") {
            try tasks().allSatisfy { task in
                let status = try? String(contentsOfFile: "\(task)/status", encoding: .utf8)
                return status?.contains("TracerPid:\t\(process.processIdentifier)") == true
            }
        }
        return Tracer(process: process)
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}
