import Foundation
import Testing

/// Runs the programs of `Tests/Clients`: the foreign clients as their users have them, against the real binary and real
/// models, and what only the real binary can show of its processes and its launcher. Each `check_…` function of a
/// program is one test.
@Suite(.serialized) struct ForeignClientTests {
    @Test("the openai client", .timeLimit(.minutes(2)), arguments: Program("openai_client.py").checks)
    func openAI(check: Check) throws { try check.passes() }

    @Test(
        "the openai client on files and vector stores", .timeLimit(.minutes(2)),
        arguments: Program("vector_stores.py").checks)
    func vectorStores(check: Check) throws { try check.passes() }

    @Test(
        "assistants and Dify on knowledge", .timeLimit(.minutes(2)), arguments: Program("knowledge_apis.py").checks)
    func knowledge(check: Check) throws { try check.passes() }

    @Test("Node's fetch without keep-alive", .timeLimit(.minutes(2)), arguments: Program("node_fetch.py").checks)
    func node(check: Check) throws { try check.passes() }

    @Test("llama.cpp behind and inside", .timeLimit(.minutes(3)), arguments: Program("model_server.py").checks)
    func modelServer(check: Check) throws { try check.passes() }

    @Test(
        "models of our own, asked in other servers' ways", .timeLimit(.minutes(2)),
        arguments: Program("model_apis.py").checks)
    func modelAPIs(check: Check) throws { try check.passes() }

    @Test("model processes of our own", .timeLimit(.minutes(2)), arguments: Program("managed_backends.py").checks)
    func managedBackends(check: Check) throws { try check.passes() }

    @Test(
        "stock Celery before our broker and worker", .timeLimit(.minutes(2)),
        arguments: Program("celery_worker.py").checks)
    func celery(check: Check) throws { try check.passes() }

    @Test("the console's page of tasks, in a browser", .timeLimit(.minutes(2)), arguments: Program("tasks_page.py").checks)
    func tasksPage(check: Check) throws { try check.passes() }

    @Test(
        "the console's page of knowledge bases, in a browser", .timeLimit(.minutes(2)),
        arguments: Program("knowledge_page.py").checks)
    func knowledgePage(check: Check) throws { try check.passes() }

    @Test("the launcher, as a new user meets it", .timeLimit(.minutes(2)), arguments: Program("launcher.py").checks)
    func launcher(check: Check) throws { try check.passes() }

    @Test("every program has checks")
    func nothingIsEmpty() {
        for name in [
            "openai_client.py", "node_fetch.py", "model_server.py", "model_apis.py", "managed_backends.py",
            "launcher.py", "celery_worker.py", "tasks_page.py", "knowledge_page.py",
            "vector_stores.py", "knowledge_apis.py",
        ] {
            #expect(!Program(name).checks.isEmpty, "\(name)")
        }
    }
}

/// A Python program of `Tests/Clients`.
struct Program {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Clients")

    let path: URL

    init(_ name: String) {
        path = Self.folder.appending(path: name)
    }

    /// Its functions named `check_…`, in the order of the file.
    var checks: [Check] {
        let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("def check_") else { return nil }
            return Check(program: path, name: String(line.dropFirst("def check_".count).prefix { $0 != "(" }))
        }
    }
}

struct Check: CustomTestStringConvertible {
    let program: URL
    let name: String

    var testDescription: String { name }

    /// Runs the check in a process of its own and reports what it said when it failed.
    func passes() throws {
        let process = Process()
        let python = ProcessInfo.processInfo.environment["MARTLET_TEST_PYTHON"] ?? "python3"
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [python, program.path(percentEncoded: false), name]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(said)")
        #expect(said.contains("ok \(name)"))
    }
}
