import Foundation
import MartletNet
import Testing

@Suite struct ChildProcessTests {
    private let recorder = LineRecorder()

    private func run(_ command: ChildCommand) async -> ChildExit {
        await ChildProcess(command).run(onStart: recorder.started, onLine: recorder.record)
    }

    private static func python(_ program: String) -> ChildCommand {
        ChildCommand(arguments: ["python3", "-u", "-c", program])
    }

    @Test func inheritsNothingButItsStandardStreams() async throws {
        let file = dup(STDOUT_FILENO)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(file > 2 && listener > 2)
        defer {
            close(file)
            close(listener)
        }
        let child = ChildProcess(Self.python("import time; print('up'); time.sleep(60)"))
        async let exit = child.run(onStart: recorder.started, onLine: recorder.record)
        #expect(await Processes.eventually { recorder.all == ["stdout up"] })
        let descriptors = try Processes.descriptors(of: #require(recorder.pid))
        child.send(.kill)
        #expect(descriptors.keys.sorted() == [0, 1, 2])
        #expect(descriptors[0] == "/dev/null")
        #expect(await exit == .signalled(SIGKILL))
    }

    @Test func runsWithinItsLimits() async {
        var command = Self.python(
            "import resource as r; print(r.getrlimit(r.RLIMIT_NOFILE), r.getrlimit(r.RLIMIT_AS)[0])")
        command.openFiles = 123
        command.addressSpaceBytes = 1 << 30
        #expect(await run(command) == .exited(code: 0))
        #expect(recorder.all == ["stdout (123, 123) 1073741824"])
    }

    @Test func runsInItsDirectoryWithItsEnvironment() async {
        var command = Self.python("import os; print(os.getcwd(), os.environ['GREETING'], 'PATH' in os.environ)")
        command.directory = "/usr/lib"
        command.environment = ["GREETING": "a=b c"]
        #expect(await run(command) == .exited(code: 0))
        #expect(recorder.all == ["stdout /usr/lib a=b c True"])
    }

    @Test func isNotToldWhatIsWithheldUnlessItIsSetForIt() async throws {
        try #require(ProcessInfo.processInfo.environment["HOME"] != nil)
        var command = Self.python("import os; print(os.environ.get('HOME'), 'PATH' in os.environ)")
        command.withheld = ["HOME", "NEVER_SET"]
        #expect(await run(command) == .exited(code: 0))
        command.environment = ["HOME": "its-own"]
        #expect(await run(command) == .exited(code: 0))
        #expect(recorder.all == ["stdout None True", "stdout its-own True"])
    }

    @Test func deliversBothStreamsLineByLine() async {
        let program = "import sys; print('one\\n\\ntwo'); sys.stderr.write('three'); sys.stderr.flush()"
        #expect(await run(Self.python(program)) == .exited(code: 0))
        #expect(recorder.all.filter { $0.hasPrefix("stdout") } == ["stdout one", "stdout two"])
        #expect(recorder.all.filter { $0.hasPrefix("stderr") } == ["stderr three"])
    }

    @Test func cutsLinesThatNeverEnd() async {
        #expect(await run(Self.python("print('x' * 1000000); print('next')")) == .exited(code: 0))
        let whole = String(repeating: "x", count: ChildProcess.maximumLineBytes)
        #expect(recorder.all == ["stdout \(whole)…", "stdout next"])
    }

    @Test(arguments: [
        ("import sys; sys.exit(7)", ChildExit.exited(code: 7)),
        ("import os; os.kill(os.getpid(), 6)", .signalled(SIGABRT)),
    ])
    func saysHowItEnded(program: String, expected: ChildExit) async {
        #expect(await run(Self.python(program)) == expected)
    }

    @Test func reportsACommandThatDoesNotExist() async {
        #expect(await run(ChildCommand(arguments: ["no-such-command"])) == .exited(code: 127))
        #expect(recorder.all.first?.contains("no-such-command") == true)
    }

    @Test func reportsADirectoryThatDoesNotExist() async {
        #expect(await run(ChildCommand(arguments: ["true"], directory: "/no/such/place")) == .exited(code: 125))
        #expect(recorder.all.first?.contains("/no/such/place") == true)
    }

    @Test func mayEndInGoodOrderAndStillBeHeard() async {
        let program = """
            import signal, sys, time
            def end(*_): time.sleep(0.05); print('bye'); sys.exit(3)
            signal.signal(signal.SIGTERM, end); print('up'); time.sleep(60)
            """
        let child = ChildProcess(Self.python(program))
        async let exit = child.run(onStart: recorder.started, onLine: recorder.record)
        #expect(await Processes.eventually { recorder.all == ["stdout up"] })
        child.send(.terminate)
        #expect(await exit == .exited(code: 3))
        #expect(recorder.all == ["stdout up", "stdout bye"])
    }

    @Test func obeysWhatWasAskedBeforeItStarted() async {
        let child = ChildProcess(Self.python("import time; time.sleep(60)"))
        child.send(.terminate)
        #expect(await child.run(onStart: recorder.started, onLine: recorder.record) == .signalled(SIGTERM))
    }

    @Test(arguments: ["time.sleep(60)", "sys.exit(0)"])
    func leavesNothingBehind(ending: String) async throws {
        let program = """
            import subprocess, sys, time
            print('grandchild', subprocess.Popen(['sleep', '60']).pid); \(ending)
            """
        let child = ChildProcess(Self.python(program))
        async let exit = child.run(onStart: recorder.started, onLine: recorder.record)
        #expect(await Processes.eventually { recorder.number("grandchild") != nil })
        child.send(.kill)
        _ = await exit
        let grandchild = try #require(recorder.number("grandchild"))
        let leader = try #require(recorder.pid)
        #expect(!Processes.exists(leader), "reaped, no zombie")
        #expect(await Processes.eventually { !Processes.lives(grandchild) })
    }

    @Test func isKilledWhenItsTaskIsCancelled() async throws {
        let recorder = recorder
        let task = Task {
            await ChildProcess(Self.python("import time; print('up'); time.sleep(60)"))
                .run(onStart: recorder.started, onLine: recorder.record)
        }
        #expect(await Processes.eventually { recorder.all == ["stdout up"] })
        task.cancel()
        _ = await task.value
        #expect(try !Processes.exists(#require(recorder.pid)))
    }

    @Test func diesWithMartletAndTakesItsOwnChildrenAlong() async throws {
        let note = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: note) }
        let path = note.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let program = """
                import os, subprocess, time
                other = subprocess.Popen(['sleep', '60']).pid
                open('\(path)', 'w').write(f'{os.getpid()} {other}'); print('up'); time.sleep(60)
                """
            let command = ChildCommand(arguments: ["python3", "-u", "-c", program])
            _ = await ChildProcess(command).run(onStart: { _ in }) { _, line in
                if line == "up" { kill(getpid(), SIGKILL) }
            }
        }
        let pids = try String(contentsOf: note, encoding: .utf8).split(separator: " ").compactMap { Int32($0) }
        #expect(pids.count == 2)
        for pid in pids {
            #expect(await Processes.eventually { !Processes.lives(pid) })
        }
    }

    @Test func givesEveryDescriptorBack() async {
        // In a process of its own: other tests open and close descriptors meanwhile.
        await #expect(processExitsWith: .success) {
            func run(_ program: String) async throws -> Int {
                let command = ChildCommand(arguments: ["sh", "-c", program])
                _ = await ChildProcess(command).run(onStart: { _ in }, onLine: { _, _ in })
                return try Processes.descriptors(of: getpid()).count
            }
            let baseline = try await run("echo the first opens what all share")
            for program in ["echo one", "exit 3", "kill -9 $$", "sleep 60 & exit 0", "exec no-such-program"] {
                let now = try await run(program)
                precondition(now == baseline, "\(program): \(now) descriptors, \(baseline) before")
            }
        }
    }
}
