import Foundation
import MartletNet
import MartletWorkers
import Testing

/// The real demo models, as managed backends. `./martlet test` installs what this needs.
@Suite(.timeLimit(.minutes(3)), .enabled(if: Installed.isComplete, "the demo models are not installed"))
struct DemoModelTests {
    @Test func answerTheOfficialClientAndStopWhenItLeaves() async throws {
        let backends = TestBackends(Self.spec("smollm2"), Self.spec("e5"))
        let recorder = LineRecorder()
        let exit = try await backends.run {
            var events = backends.events.makeAsyncIterator()
            _ = await events.next()
            _ = await events.next()
            let ports = try backends.service.status().map { try #require($0.port) }
            let check = ChildCommand(
                arguments: [Installed.client, "\(Installed.home)/models/check.py"]
                    + ports.map { "http://127.0.0.1:\($0)" })
            return await ChildProcess(check).run(onStart: recorder.started, onLine: recorder.record)
        }
        #expect(exit == .exited(code: 0), "\(recorder.all.joined(separator: "\n"))")
    }

    private static func spec(_ name: String) -> BackendSpec {
        BackendSpec(
            name: name, command: [Installed.server, "\(Installed.home)/models/\(name).py", "--port", "{port}"])
    }
}

/// What the launcher set up.
private enum Installed {
    static let home =
        ProcessInfo.processInfo.environment["MARTLET_HOME"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized.path
    static let server = "\(home)/.martlet/venv/bin/python"
    static let client =
        ProcessInfo.processInfo.environment["MARTLET_TEST_PYTHON"] ?? "\(home)/.martlet/venv-test/bin/python"
    static var isComplete: Bool {
        [server, client].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
