import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The real binary, serving a configuration on ports that it picked itself.
///
/// Made by ``withMartlet(_:environment:body:)``, which ends it whatever happens.
final class MartletProcess: Sendable {
    let publicPort: Int
    let consolePort: Int
    /// Its own folder; in a configuration `{dir}` stands for it.
    let directory: URL
    private let process: Process

    /// Of the supervising parent, which passes on what it is told.
    var processID: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    /// Once it ended.
    var exitStatus: Int32 { process.terminationStatus }

    /// The process that serves at present; throws while there is none.
    var servingID: Int32 {
        get throws {
            let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/task")
            let children = threads.compactMap {
                try? String(contentsOfFile: "/proc/\(processID)/task/\($0)/children", encoding: .utf8)
            }
            guard let child = children.joined().split(separator: " ").first.flatMap({ Int32($0) }) else {
                throw WaitedInVain(what: "a serving process", explanation: log())
            }
            return child
        }
    }

    private init(process: Process, directory: URL, publicPort: Int, consolePort: Int) {
        self.process = process
        self.directory = directory
        self.publicPort = publicPort
        self.consolePort = consolePort
    }

    /// Starts the binary and returns once it says that it serves.
    ///
    /// - Parameter configuration: YAML. Ports that are free and two event loops are put in where it says nothing of
    ///   `listen`, `console` or `threads`. nil: no file; the demo models are not there.
    /// - Parameter app: What `martlet serve` gets, in place of a configuration.
    /// - Parameter wrapper: a command that becomes the binary, such as `prlimit`; `{dir}` is the folder.
    static func start(
        _ configuration: String?, serving app: String? = nil, arguments: [String] = [],
        environment: [String: String] = [:], under wrapper: [String] = []
    ) async throws -> MartletProcess {
        let binary = try Repository.binary
        let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = binary
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let configuration {
            let file = directory.appending(path: "martlet.yaml")
            try complete(configuration, directory).write(to: file, atomically: false, encoding: .utf8)
            process.arguments = ["up", file.path] + arguments
        } else if let app {
            process.arguments = ["serve", app, "--port", "0", "--console", "127.0.0.1:0"] + arguments
        } else {
            process.arguments = ["up", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"] + arguments
            process.environment?["MARTLET_HOME"] = directory.path
        }
        if let command = wrapper.first {
            process.executableURL = URL(fileURLWithPath: command)
            let options = wrapper.dropFirst().map { $0.replacingOccurrences(of: "{dir}", with: directory.path) }
            process.arguments = options + [binary.path] + (process.arguments ?? [])
        }
        process.currentDirectoryURL = directory
        process.standardOutput = try emptyFile(directory, "out")
        process.standardError = try emptyFile(directory, "err")
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
            let ports = try await awaitPorts(directory, process)
            return MartletProcess(
                process: process, directory: directory, publicPort: ports.public, consolePort: ports.console)
        } catch {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            try? FileManager.default.removeItem(at: directory)
            throw error
        }
    }

    /// Ends it: in good order within two seconds, else at once. Removes its folder.
    func stop() async {
        kill(processID, SIGTERM)
        try? await until("the process to end", within: .seconds(2)) { !process.isRunning }
        if process.isRunning {
            // The parent ends with its child; on its own the child would drain.
            if let serving = try? servingID { kill(serving, SIGKILL) }
            try? await until("the process to end", within: .seconds(1)) { !process.isRunning }
            if process.isRunning { kill(processID, SIGKILL) }
        }
        try? FileManager.default.removeItem(at: directory)
    }

    /// Another text for its configuration file, completed as the first one was.
    func write(_ configuration: String) throws {
        try Self.complete(configuration, directory)
            .write(to: directory.appending(path: "martlet.yaml"), atomically: true, encoding: .utf8)
    }

    /// Has it read `configuration`, and answers what the console says.
    func tryReload(_ configuration: String) async throws -> Answer {
        try write(configuration)
        return try await Client.ask(
            "POST", "/reload", port: consolePort, headers: ["Content-Type: application/json"], body: "{}")
    }

    func reload(_ configuration: String) async throws {
        try await tryReload(configuration).expect(200)
    }

    // MARK: What it says

    /// `GET /status` of the console.
    func status() async throws -> Status {
        try Self.status(try await Client.ask("GET", "/status", port: consolePort).expect(200).body)
    }

    static func status(_ text: String) throws -> Status {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Status.self, from: Data(text.utf8))
    }

    /// `GET /metrics` of the console.
    func metrics() async throws -> Metrics {
        Metrics(text: try await Client.ask("GET", "/metrics", port: consolePort).body)
    }

    /// Everything it wrote to standard error.
    func log() -> String { Self.text(directory, "err") }

    /// What it wrote to a file of its own folder.
    func written(to name: String) -> String { Self.text(directory, name) }

    // MARK: What it holds

    /// What its descriptors are: `socket:[…]`, `pipe:[…]`, a path. Those of an event loop itself are left out: they
    /// come when its thread starts and say nothing about requests.
    func openFiles() throws -> [String] {
        let folder = "/proc/\(try servingID)/fd"
        return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
        }.filter { !$0.hasPrefix("anon_inode") }.sorted()
    }

    /// All its descriptors.
    func descriptorCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(servingID)/fd").count
    }

    func residentBytes() throws -> Int {
        let pages = try String(contentsOfFile: "/proc/\(servingID)/statm", encoding: .utf8).split(separator: " ")[1]
        return try #require(Int(pages)) * sysconf(CInt(_SC_PAGESIZE))
    }

    /// CPU time so far.
    func cpuSeconds() throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(servingID)/stat", encoding: .utf8)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        let ticks = try #require(Double(fields[12])) + #require(Double(fields[13]))
        return ticks / Double(sysconf(CInt(_SC_CLK_TCK)))
    }

    // MARK: Inside

    private static func complete(_ configuration: String, _ directory: URL) -> String {
        let lines = configuration.split(separator: "\n")
        let standard = [
            "listen": "127.0.0.1:0", "console": "{address: 127.0.0.1:0}", "threads": "2",
        ].filter { key, _ in !lines.contains { $0.hasPrefix("\(key):") } }
        return standard.map { "\($0.key): \($0.value)\n" }.joined()
            + configuration.replacingOccurrences(of: "{dir}", with: directory.path)
    }

    private static func emptyFile(_ directory: URL, _ name: String) throws -> FileHandle {
        let file = directory.appending(path: name)
        try Data().write(to: file)
        return try FileHandle(forWritingTo: file)
    }

    private static func text(_ directory: URL, _ name: String) -> String {
        (try? String(contentsOf: directory.appending(path: name), encoding: .utf8)) ?? ""
    }

    private static func awaitPorts(_ directory: URL, _ process: Process) async throws -> (public: Int, console: Int) {
        let explain = { "it wrote: " + text(directory, "out") + text(directory, "err") }
        try await until("martlet to serve", within: .seconds(10), explain: explain) {
            try #require(process.isRunning, "martlet ended: \(explain())")
            return text(directory, "out").contains("\nconsole ") && text(directory, "out").hasSuffix("\n")
        }
        let lines = text(directory, "out").split(separator: "\n")
        return (try port(lines, "serving"), try port(lines, "console"))
    }

    private static func port(_ lines: [Substring], _ word: String) throws -> Int {
        let line = try #require(lines.first { $0.hasPrefix(word) })
        let url = try #require(URL(string: String(line.split(separator: " ")[1])))
        return try #require(url.port)
    }
}

/// Where things are.
enum Repository {
    static var root: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
    }

    /// The binary under test.
    static var binary: URL {
        get throws {
            let named = ProcessInfo.processInfo.environment["MARTLET_TEST_BINARY"].map { URL(fileURLWithPath: $0) }
            let built = ["release", "debug"].map { root.appending(path: ".build/\($0)/martlet") }
            let found = ([named].compactMap { $0 } + built).first {
                FileManager.default.isExecutableFile(atPath: $0.path)
            }
            return try #require(found, "there is no binary to test: build `martlet` or set MARTLET_TEST_BINARY")
        }
    }
}
