import Foundation
import MartletLogic
import MartletWorkers
import Testing

@Suite(.timeLimit(.minutes(1))) struct BackendServiceTests {
    @Test func announcesWhereAReadyProcessServes() async throws {
        let backends = TestBackends(TestBackends.spec())
        try await backends.run {
            var events = backends.events.makeAsyncIterator()
            let status = backends.status
            guard case .ready(let identity, let port)? = await events.next() else {
                Issue.record("no ready event first")
                return
            }
            #expect(identity == BackendIdentity(backend: "demo", instance: 0, number: 1))
            #expect(status(0).state == "ready")
            #expect(status(0).port == port)
            let pid = try #require(status(0).pid)
            #expect(Processes.lives(pid))
            #expect(status(0).restarts == 0)
            #expect(status(0).lastExit == nil)
            #expect(try await TestBackends.isReady("127.0.0.1", #require(port), "/health", .seconds(1)))
        }
    }

    @Test func replacesAKilledProcessWhileItsSiblingServes() async throws {
        var spec = TestBackends.spec()
        spec.instances = 2
        // On a busy machine checks may fail before its end is known: that alone must not make it a hung one.
        spec.policy.hungAfter = 1000
        let backends = TestBackends(spec)
        try await backends.run {
            var events = backends.events.makeAsyncIterator()
            _ = await events.next()
            _ = await events.next()
            let sibling = backends.status(1)
            let victim = backends.status(0)
            let (pid, port) = try (#require(victim.pid), #require(victim.port))
            kill(pid, SIGKILL)
            let identity = BackendIdentity(backend: "demo", instance: 0, number: 1)
            #expect(await events.next() == .gone(identity, port: port, reason: .signalled(SIGKILL)))
            let other = try #require(sibling.port)
            #expect(await TestBackends.isReady("127.0.0.1", other, "/health", .seconds(1)))
            guard case .ready(identity, _)? = await events.next() else {
                Issue.record("not replaced")
                return
            }
            #expect(backends.status(0).pid != pid)
            #expect(backends.status(0).restarts == 1)
            #expect(backends.status(0).lastExit == .signalled(SIGKILL))
            #expect(backends.status(1) == sibling)
            #expect(!Processes.exists(pid), "reaped")
        }
    }

    @Test func replacesAProcessThatHangs() async throws {
        var spec = TestBackends.spec()
        spec.checkTimeout = .milliseconds(200)
        let backends = TestBackends(spec)
        try await backends.run {
            var events = backends.events.makeAsyncIterator()
            _ = await events.next()
            let pid = try #require(backends.status().pid)
            kill(pid, SIGSTOP)
            guard case .gone(_, _, reason: .hung(checks: 2))? = await events.next() else {
                Issue.record("not seen as hung")
                return
            }
            guard case .ready? = await events.next() else {
                Issue.record("not replaced")
                return
            }
            #expect(backends.status().lastExit == .hung(checks: 2))
            #expect(!Processes.exists(pid))
        }
    }

    @Test func givesUpOnAProcessThatDoesNotGetReady() async {
        var spec = TestBackends.spec(setUp: "time.sleep(60)")
        spec.policy.readyWithin = .milliseconds(300)
        let backends = TestBackends(spec)
        await backends.run {
            #expect(
                await Processes.eventually {
                    backends.status().lastExit == .notReady(within: .milliseconds(300))
                })
        }
    }

    @Test func slowsDownAProcessThatKeepsFailingAndSaysWhy() async {
        var spec = BackendSpec(name: "demo", command: ["sh", "-c", "echo out of luck >&2; exit 78"])
        spec.policy.backoffFirst = .milliseconds(1)
        spec.policy.breakerExits = 3
        let backends = TestBackends(spec)
        await backends.run {
            #expect(await Processes.eventually { backends.status().state == "broken" })
            #expect(backends.status().lastExit == .exited(code: 78))
            #expect(backends.status().restarts == 2)
            #expect(backends.status().pid == nil)
        }
        #expect(backends.logged("backend output").count == 3)
        #expect(
            backends.logged("backend output").first
                == ["instance": "0", "stream": "stderr", "line": "out of luck"])
        #expect(
            backends.logged("backend ended").last
                == ["instance": "0", "reason": "exited with code 78", "state": "broken"])
    }

    @Test(arguments: [true, false])
    func stopsInGoodOrder(byCancellation: Bool) async throws {
        let backends = TestBackends(
            TestBackends.spec(
                setUp: "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.1), print('bye'), os._exit(0)))"))
        let service = Task { await backends.service.run() }
        var events = backends.events.makeAsyncIterator()
        _ = await events.next()
        let pid = try #require(backends.status().pid)
        let port = try #require(backends.status().port)
        if byCancellation { service.cancel() } else { backends.service.stop() }
        let identity = BackendIdentity(backend: "demo", instance: 0, number: 1)
        #expect(await events.next() == .gone(identity, port: port, reason: .stopped))
        await service.value
        #expect(!Processes.exists(pid))
        #expect(backends.logged("backend output").map { $0["line"] } == ["bye"])
        #expect(backends.status().state == "stopped")
        #expect(backends.status().lastExit == .stopped)
    }

    @Test func killsAProcessThatDoesNotWantToStop() async throws {
        var spec = TestBackends.spec(setUp: "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
        spec.policy.stopGrace = .milliseconds(100)
        let backends = TestBackends(spec)
        let pid = try await backends.run {
            var events = backends.events.makeAsyncIterator()
            _ = await events.next()
            return try #require(backends.status().pid)
        }
        #expect(!Processes.exists(pid))
    }

    @Test func countsPortsUpFromTheGivenOne() async throws {
        var spec = TestBackends.spec()
        spec.instances = 2
        // Two neighbours of which a moment ago both were free.
        let pair = try #require((32_100..<32_700).shuffled().first { !Self.isTaken($0) && !Self.isTaken($0 + 1) })
        spec.port = pair
        let backends = TestBackends(spec)
        await backends.run {
            var events = backends.events.makeAsyncIterator()
            _ = await events.next()
            _ = await events.next()
            #expect(backends.service.status().map(\.port) == [pair, pair + 1])
        }
    }

    @Test func reportsACommandThatCannotBeRun() async {
        let backends = TestBackends(BackendSpec(name: "demo", command: ["/no/such/program"]))
        await backends.run {
            #expect(await Processes.eventually { backends.status().lastExit == .exited(code: 127) })
        }
        #expect(backends.logged("backend output").first?["line"]?.contains("/no/such/program") == true)
    }

    /// Whether somebody listens on the port, by the kernel's own list.
    private static func isTaken(_ port: Int) -> Bool {
        let table = (try? String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)) ?? ""
        return table.contains(":" + String(port, radix: 16, uppercase: true) + " ")
    }
}
