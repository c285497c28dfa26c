import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// What a storm leaves behind if nobody clears it away: a temporary folder and the processes that were started.
final class StormRoom: Sendable {
    let folder: URL
    private let children = Mutex<[StormProcess]>([])

    /// Throws when no folder can be made.
    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "martlet-storm-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func start(_ side: StormSide, port: Int, backends: [Int], _ options: StormOptions) throws -> StormProcess {
        let file = folder.appending(path: side == .nginx ? "nginx.conf" : "martlet.yaml")
        let text =
            side == .nginx
            ? StormFiles.nginx(port: port, backends: backends, folder: folder.path)
            : StormFiles.martlet(port: port, backends: backends, firstByte: options.firstByte)
        try text.write(to: file, atomically: false, encoding: .utf8)
        let child: StormProcess
        if side == .nginx {
            child = try StormProcess(
                "nginx", ["-c", file.path, "-p", folder.path, "-e", "stderr"], log: folder.appending(path: "nginx.log"))
        } else {
            let binary = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            child = try StormProcess(binary, ["up", file.path], log: folder.appending(path: "martlet.log"))
        }
        children.withLock { $0.append(child) }
        return child
    }

    /// Ends every process and removes the folder. May be called at any moment, from any thread, and again.
    func clear() {
        let children = children.withLock { children in
            defer { children = [] }
            return children
        }
        for child in children { child.end() }
        try? FileManager.default.removeItem(at: folder)
    }
}

/// A program that runs beside us.
final class StormProcess: Sendable {
    private let process: Process
    let log: URL

    /// - Parameter program: a path, or a name to be looked for in `PATH`.
    init(_ program: String, _ arguments: [String], log: URL) throws {
        guard let path = Self.find(program) else {
            throw ToolError(description: "\(program) is not installed")
        }
        self.log = log
        try Data().write(to: log)
        let output = try FileHandle(forWritingTo: log)
        process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    static func find(_ program: String) -> String? {
        guard !program.contains("/") else { return program }
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin"]
        return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    var isRunning: Bool { process.isRunning }
    var said: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    /// Its own descriptors and those of its descendants.
    func openFiles() -> Int {
        Self.tree(process.processIdentifier).reduce(0) { count, id in
            count + ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd").count) ?? 0)
        }
    }

    private static func tree(_ id: pid_t) -> [pid_t] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task")) ?? []
        let children = tasks.flatMap { task -> [pid_t] in
            let text = try? String(contentsOfFile: "/proc/\(id)/task/\(task)/children", encoding: .utf8)
            return (text ?? "").split(separator: " ").compactMap { pid_t($0) }
        }
        return [id] + children.flatMap(tree)
    }

    /// In good order; whatever is left after three seconds at once. Nothing of it runs any more when this returns.
    func end() {
        guard process.isRunning else { return }
        let tree = Self.tree(process.processIdentifier)
        for _ in 0..<2 where process.isRunning {
            // A second time: who waits for requests in flight does not wait for them then.
            kill(process.processIdentifier, SIGTERM)
            for _ in 0..<75 where process.isRunning { usleep(20_000) }
        }
        guard process.isRunning else { return }
        for id in tree { kill(id, SIGKILL) }
        process.waitUntilExit()
    }
}
