import Foundation
import MartletTools
import Testing

/// A Python file with models, written for one test, and what its workers note while they serve.
struct App: Sendable {
    /// What every app begins with. `note` appends a line that ``notes`` reads; `held` waits until the test says
    /// ``open(_:)``, or as long as `until` says.
    private static let beginning = """
        import os, time
        from martlet import HTTPException, LitAPI, LitServer, Pipeline

        PLACE = os.path.dirname(os.path.abspath(__file__))

        def note(*words):
            line = " ".join(str(word) for word in words) + "\\n"
            with open(PLACE + "/notes", "ab", buffering=0) as file:
                file.write(line.encode())

        def held(gate, until=lambda: False):
            while not os.path.exists(f"{PLACE}/{gate}") and not until():
                time.sleep(0.002)


        """

    let directory: URL
    var file: URL { directory.appending(path: "model.py") }

    init(_ source: String) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "martlet-app-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try write(source)
    }

    /// Another text for the file.
    func write(_ source: String) throws {
        try (Self.beginning + source).write(to: file, atomically: true, encoding: .utf8)
    }

    /// Lets those pass who wait at this gate.
    func open(_ gate: String) throws {
        try Data().write(to: directory.appending(path: gate))
    }

    /// What the workers noted so far, line by line.
    var notes: [String] {
        let text = try? String(contentsOf: directory.appending(path: "notes"), encoding: .utf8)
        return (text ?? "").split(separator: "\n").map(String.init)
    }

    func awaitNote(_ note: String, within limit: Duration = .seconds(5)) async throws {
        try await until("the note \(note)", within: limit, explain: { "\(notes)" }) { notes.contains(note) }
    }

    /// A configuration that serves the app as `m`, with these keys.
    func configuration(_ keys: [String] = [], more: String = "") -> String {
        let own = ["app: \(file.path)", "name: m", "python: /usr/bin/python3", "devices: cpu", "grace: 2s"]
        let stated = keys.map { $0.prefix { $0 != ":" } }
        let lines = own.filter { line in !stated.contains(line.prefix { $0 != ":" }) } + keys
        return "workers:\n" + lines.enumerated().map { "  \($0 == 0 ? "-" : " ") \($1)\n" }.joined() + more
    }

    func remove() { try? FileManager.default.removeItem(at: directory) }
}

/// ``withWorkers(_:workers:body:)`` before an app.
///
/// - Parameters:
///   - keys: Lines of its configuration; `{dir}` is its folder.
///   - files: What lies beside it, by name.
func withApp(
    _ source: String, _ keys: String..., more: String = "", files: [String: String] = [:], workers count: Int = 1,
    body: (MartletProcess, App) async throws -> Void
) async throws {
    let app = try App(source)
    defer { app.remove() }
    for (name, text) in files {
        try text.write(to: app.directory.appending(path: name), atomically: true, encoding: .utf8)
    }
    let keys = keys.map { $0.replacingOccurrences(of: "{dir}", with: app.directory.path) }
    try await withWorkers(app.configuration(keys, more: more), workers: count) { try await body($0, app) }
}

/// ``withMartlet(_:environment:under:body:)`` with workers, begun when they serve: at its end as many descriptors are
/// open as then, and none of the workers is left.
func withWorkers(
    _ configuration: String, workers count: Int, body: (MartletProcess) async throws -> Void
) async throws {
    let martlet = try await MartletProcess.start(configuration, environment: Repository.withSDK)
    do {
        try await martlet.awaitWorkers(count)
        let before = try await martlet.rest()
        let open = try martlet.descriptorCount()
        try await body(martlet)
        try await martlet.settle(to: before)
        try await until("descriptors to be given back", explain: { "\(open), \(try martlet.descriptorCount())" }) {
            try martlet.descriptorCount() <= open
        }
        let workers = martlet.startedBackends
        await martlet.stop()
        #expect(workers.count >= count)
        try await until("its workers to be gone") { workers.allSatisfy { !ProcessFiles.lives($0) } }
    } catch {
        await martlet.stop()
        throw error
    }
}

extension Repository {
    /// Where the SDK is that the workers take.
    static var withSDK: [String: String] { ["MARTLET_HOME": root.path] }
}

extension MartletProcess {
    func awaitWorkers(_ count: Int) async throws {
        try await until("\(count) workers to serve", within: .seconds(20), explain: { self.log() }) {
            let status = try await self.status()
            return status.backends.map(\.state) == Array(repeating: "ready", count: count)
                && status.pools.allSatisfy { $0.targets.count == 1 }
        }
    }

    /// Waits until a process other than `former` serves as this worker.
    func awaitReplacement(
        of former: Int32, _ worker: Int = 0, of name: String? = nil, within limit: Duration = .seconds(5)
    ) async throws {
        try await until("another worker to serve", within: limit, explain: { self.log() }) {
            let now = try await self.backend(worker, of: name)
            return now.state == "ready" && now.pid != former
        }
    }

    /// `POST /predict` with a JSON body.
    func predict(
        _ body: String = "{}", path: String = "/predict", headers: [String] = [], within limit: Duration = .seconds(10)
    ) async throws -> Answer {
        try await ask(
            "POST", path, headers: ["Content-Type: application/json"] + headers, body: body, within: limit)
    }

    /// A client that has sent `POST /predict` and may leave.
    func begin(
        _ body: String = "{}", path: String = "/predict", headers: [String] = []
    ) async throws -> Client {
        let client = try await connect()
        try await client.send(
            Client.request("POST", path, headers: ["Content-Type: application/json"] + headers, body: body))
        return client
    }

    /// Requests that are with the group or wait for it.
    func requestsInHand() async throws -> Int {
        let pool = try #require(try await status().pool("m"))
        return pool.inFlight + pool.queuedCount
    }

    func awaitInHand(_ count: Int) async throws {
        try await until("\(count) requests to be in hand", explain: { "\(try await self.status())" }) {
            try await self.requestsInHand() == count
        }
    }
}
