import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Workers die, hang, spin and run out of memory: each client gets one outcome in time, and the group is whole again.
@Suite(.serialized, .timeLimit(.minutes(1))) struct WorkerFaultTests {
    private static let echo = """
        class Echo(LitAPI):
            def predict(self, x):
                time.sleep(0.005)
                return x
        """

    @Test func KilledThirtyTimesTheGroupIsWholeWithinASecondAndEveryClientHasOneOutcome() async throws {
        let (kills, workers) = (30, 4)
        try await withApp(Self.echo, "workers_per_device: 4", "restart: {stable: 50ms}", workers: workers) {
            martlet, _ in
            let load = Task {
                try await martlet.load {
                    $0.path = "/predict"
                    $0.body = #"{"n": 1}"#
                    $0.connections = 16
                    $0.duration = .seconds(7)
                }
            }
            var slowest = Duration.zero
            for number in 0..<kills {
                let victim = number % workers
                let pid = try #require(try await martlet.backend(victim).pid)
                let start = ContinuousClock.now
                kill(pid, SIGKILL)
                try await martlet.awaitReplacement(of: pid, victim)
                slowest = max(slowest, ContinuousClock.now - start)
            }
            #expect(slowest < .seconds(1), "\(slowest)")
            let seen = try await load.value
            #expect(seen.completed > 500)
            #expect(seen.completed + seen.failed + seen.unfinished == seen.requests, "\(seen.text)")
            // Who was with two that were killed one after the other may be told so; nobody is kept waiting or cut off.
            #expect(seen.failed == seen.statuses.filter { $0.key >= 500 }.values.reduce(0, +), "\(seen.failures)")
            #expect(seen.failed <= 3, "\(seen.text)")
        }
    }

    @Test func OneThatIsStoppedIsReplacedAndItsRequestTimesOutInTime() async throws {
        try await withApp(Self.echo, "timeout: 400ms", "ready: {interval: 100ms, unhealthy: 2}") { martlet, _ in
            let pid = try #require(try await martlet.backend().pid)
            kill(pid, SIGSTOP)
            let (answer, time) = try await timed { try await martlet.predict() }
            answer.expect(504, "first_byte_timeout")
            #expect(time < .milliseconds(500), "\(time)")
            try await martlet.awaitReplacement(of: pid)
            #expect(try await martlet.backend().lastExit?.hasPrefix("hung") == true)
            try await martlet.predict().expect(200)
        }
    }

    @Test func OneThatSpinsInCPastItsDeadlineIsReplacedWhileTheOtherServes() async throws {
        let source = """
            class Spins(LitAPI):
                def predict(self, x):
                    # Holds the interpreter's lock: no other thread of the process runs.
                    return sum(range(10**12)) if x.get("spin") else "ok"
            """
        try await withApp(
            source, "workers_per_device: 2", "timeout: 400ms", "ready: {interval: 100ms, unhealthy: 2}", workers: 2
        ) { martlet, _ in
            let before = try await martlet.status().backends.compactMap(\.pid)
            async let spinning = timed { try await martlet.predict(#"{"spin": true}"#) }
            for _ in 0..<20 { try await martlet.predict().expect(200) }
            let (answer, time) = try await spinning
            answer.expect(504)
            #expect(time < .milliseconds(500), "\(time)")
            try await until("it to be replaced") {
                let now = try await martlet.status().backends
                return now.allSatisfy { $0.state == "ready" } && now.map(\.restarts).reduce(0, +) == 1
            }
            let after = try await martlet.status().backends.compactMap(\.pid)
            #expect(Set(before).intersection(after).count == 1)
        }
    }

    @Test func ALongCallWithinItsDeadlineIsNoHang() async throws {
        let source = """
            class Long(LitAPI):
                def predict(self, x):
                    end = time.monotonic() + 1
                    while time.monotonic() < end:
                        sum(range(10**7))
                    return "done"
            """
        try await withApp(source, "ready: {interval: 50ms, unhealthy: 2}") { martlet, _ in
            try await martlet.predict().expect(200)
            #expect(try await martlet.backend().restarts == 0)
        }
    }

    @Test func WhatNobodyWantsForTooLongEndsItsWorker() async throws {
        let source = """
            class Stubborn(LitAPI):
                def predict(self, x):
                    note("begun")
                    if x.get("stay"):
                        held("never")
                    return 1
            """
        try await withApp(source, "kill_after: 200ms") { martlet, app in
            let pid = try #require(try await martlet.backend().pid)
            let client = try await martlet.begin(#"{"stay": true}"#)
            try await app.awaitNote("begun")
            await client.close()
            try await martlet.awaitReplacement(of: pid)
            try await martlet.predict().expect(200)
            #expect(try await martlet.backend().lastExit?.contains("out of memory") == false)
        }
    }

    @Test func OutOfItsMemoryLimitARequestFailsAndTheNextIsServed() async throws {
        let source = """
            class Eats(LitAPI):
                def predict(self, x):
                    return len(bytearray(x["bytes"]))
            """
        try await withApp(source, "limits: {address_space: 1GiB}") { martlet, _ in
            try await martlet.predict(#"{"bytes": 2000000000}"#).expect(500)
            #expect(try await martlet.predict(#"{"bytes": 1000}"#).expect(200).body == "1000")
        }
    }

    @Test func OutOfItsProcessorTimeAWorkerEndsAndItsRequestHasOneOutcome() async throws {
        let source = """
            class Spins(LitAPI):
                def predict(self, x):
                    note("begun")
                    while x.get("spin"):
                        pass
                    return "served"
            """
        try await withApp(source, "limits: {cpu: 2s}", "restart: {stable: 1ms}") { martlet, app in
            let pid = try #require(try await martlet.backend().pid)
            let client = try await martlet.begin(#"{"spin": true}"#)
            try await client.answer(to: "POST", within: .seconds(30)).expect(500, "request_quarantined")
            #expect(app.notes == ["begun", "begun"], "it was tried once more, and ended that one too")
            try await martlet.awaitReplacement(of: pid)
            let end = try await martlet.backend().lastExit
            #expect(end?.contains("limits.cpu") == true, "\(end ?? "none")")
            // A second outcome would be the answer to the next request of the connection.
            try await client.send(Client.request("POST", "/predict", body: "{}"))
            #expect(try await client.answer(to: "POST").expect(200).body == #""served""#)
            await client.close()
            #expect(app.notes.count == 3)
        }
    }

    @Test func ARequestThatKillsTwiceIsRefusedAndTheOthersAreServed() async throws {
        let source = """
            class Dies(LitAPI):
                max_batch_size = 4

                def decode_request(self, request):
                    return request["n"]

                def predict(self, numbers):
                    if 13 in numbers:
                        note("died")
                        os._exit(3)
                    time.sleep(0.01)
                    return numbers
            """
        try await withApp(source, "workers_per_device: 2", "restart: {stable: 1ms}", workers: 2) { martlet, app in
            try await withThrowingTaskGroup { tasks in
                for number in 0..<30 {
                    tasks.addTask {
                        let answer = try await martlet.predict(#"{"n": \#(number)}"#)
                        if number == 13 {
                            answer.expect(500, "request_quarantined")
                        } else {
                            #expect(answer.expect(200).body == "\(number)")
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            #expect(app.notes == ["died", "died"])
            try await martlet.awaitWorkers(2)
        }
    }

    @Test func AWorkerThatDiesWhileALongBodyIsOnItsWayHoldsNobodyUp() async throws {
        let source = """
            class Sizes(LitAPI):
                def predict(self, x):
                    return len(x["text"])
            """
        try await withApp(source, "restart: {stable: 1ms}") { martlet, _ in
            let pid = try #require(try await martlet.backend().pid)
            // It does not read: most of the body waits in the host.
            kill(pid, SIGSTOP)
            let client = try await martlet.begin(#"{"text": "\#(String(repeating: "x", count: 8_000_000))"}"#)
            try await martlet.awaitInHand(1)
            kill(pid, SIGKILL)
            #expect(try await client.answer(to: "POST").body == "8000000")
            await client.close()
        }
    }

    @Test func OneWhoLeavesWhileALongBodyIsOnItsWayLeavesNothingBehind() async throws {
        let source = """
            class Sizes(LitAPI):
                def predict(self, x):
                    return len(x["text"])
            """
        try await withApp(source) { martlet, _ in
            let pid = try #require(try await martlet.backend().pid)
            kill(pid, SIGSTOP)
            let client = try await martlet.begin(#"{"text": "\#(String(repeating: "x", count: 8_000_000))"}"#)
            try await martlet.awaitInHand(1)
            try await client.reset()
            try await martlet.awaitInHand(0)
            kill(pid, SIGCONT)
            #expect(try await martlet.predict(#"{"text": "abc"}"#).body == "3")
            #expect(try await martlet.backend().pid == pid)
        }
    }
}
