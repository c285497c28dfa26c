import Foundation
import MartletLogic
import MartletNet
import MartletWorkers
import Testing

/// Another configuration for a backend that runs.
@Suite(.timeLimit(.minutes(1))) struct BackendReplacementTests {
    @Test func theFormerProcessServesUntilTheNewOneDoes() async throws {
        let backends = TestBackends(TestBackends.spec())
        try await backends.run {
            var events = backends.events.makeAsyncIterator()
            guard case .ready(let former, let port)? = await events.next() else { throw Failure("not ready") }
            backends.apply(TestBackends.spec(setUp: "time.sleep(0.3)"))
            #expect(await Processes.eventually { backends.status().pid != nil })
            #expect(backends.status(1).isOutgoing)
            #expect(!backends.status(0).isOutgoing)
            let serves = try await TestBackends.isReady("127.0.0.1", #require(port), "/health", .seconds(1))
            #expect(serves, "it serves meanwhile")
            guard case .ready(let heir, _)? = await events.next() else { throw Failure("the former left first") }
            #expect(heir != former)
            #expect(await events.next() == .gone(former, port: port, reason: .stopped))
            #expect(await Processes.eventually { backends.service.status().count == 1 })
            #expect(backends.status().state == "ready")
        }
    }

    @Test func aNewCommandThatFailsLeavesTheFormerInServiceAndSaysWhy() async throws {
        let backends = TestBackends(TestBackends.spec())
        try await backends.run {
            var events = backends.events.makeAsyncIterator()
            guard case .ready? = await events.next() else { throw Failure("not ready") }
            let former = backends.status()
            var bad = BackendSpec(name: "demo", command: ["sh", "-c", "exit 78"])
            bad.policy.backoffFirst = .milliseconds(1)
            bad.policy.breakerExits = 3
            backends.apply(bad)
            #expect(await Processes.eventually { backends.status().state == "broken" })
            #expect(backends.status().lastExit == .exited(code: 78))
            #expect(backends.status(1).pid == former.pid)
            #expect(backends.status(1).state == "ready")
            let told = backends.logged("the new backend does not get ready; the former one serves on")
            #expect(told.count == 3)
            #expect(told.first?["reason"] == "exited with code 78")
            // Back to what it was: the same process goes on.
            backends.apply(TestBackends.spec())
            #expect(await Processes.eventually { backends.service.status().count == 1 })
            #expect(backends.status().pid == former.pid)
            #expect(!backends.status().isOutgoing)
        }
    }

    @Test func reloadsInARowNeverRunMoreThanTwoProcesses() async throws {
        let backends = TestBackends(TestBackends.spec())
        try await backends.run {
            var events = backends.events.makeAsyncIterator()
            guard case .ready? = await events.next() else { throw Failure("not ready") }
            var most = 0
            for round in 0..<6 {
                backends.apply(TestBackends.spec(setUp: "time.sleep(0.1); number = \(round)"))
                for _ in 0..<5 {
                    most = max(most, backends.service.status().count { $0.pid != nil })
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            #expect(await Processes.eventually { backends.service.status().map(\.state) == ["ready"] })
            #expect(most <= 2)
        }
    }

    @Test func aFixedPortChangesHands() async throws {
        var spec = TestBackends.spec()
        spec.port = LoopbackPort.free()
        let backends = TestBackends(spec)
        try await backends.run {
            var events = backends.events.makeAsyncIterator()
            guard case .ready(let former, let port)? = await events.next() else { throw Failure("not ready") }
            spec.environment = ["NEW": "1"]
            backends.apply(spec)
            #expect(await events.next() == .gone(former, port: port, reason: .stopped))
            guard case .ready(_, port)? = await events.next() else { throw Failure("the new one does not serve") }
            #expect(backends.service.status().count == 1)
        }
    }

    @Test func whatDiesWhileItLeavesIsNotStartedAgain() async throws {
        let backends = TestBackends(TestBackends.spec())
        try await backends.run {
            var events = backends.events.makeAsyncIterator()
            guard case .ready? = await events.next() else { throw Failure("not ready") }
            let pid = try #require(backends.status().pid)
            // It holds requests for as long as it lives.
            backends.service.apply([]) { _ in _ = await Processes.eventually { !Processes.lives(pid) } }
            #expect(backends.status().isOutgoing)
            try await Task.sleep(for: .milliseconds(50))
            kill(pid, SIGKILL)
            #expect(await Processes.eventually { backends.service.status().isEmpty })
            #expect(backends.logged("backend started").count == 1)
        }
    }
}

private struct Failure: Error {
    let what: String
    init(_ what: String) { self.what = what }
}
