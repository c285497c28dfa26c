import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Managed processes die, hang, run out of memory, leak and rave: each is replaced, or bounded, and the others serve.
@Suite(.serialized, .timeLimit(.minutes(1))) struct BackendFaultTests {
    private static let patient = ["retry: {attempts: 4, budget: 100%}"]

    @Test func KilledThirtyTimesItIsBackWithinASecondAndOnlyItsOwnStreamsFail() async throws {
        let (kills, instances) = (30, 4)
        let configuration = try managed(
            mockCommand(), "instances: \(instances)", "restart: {stable: 100ms}", pool: Self.patient)
        try await withBackends(instances, configuration) { martlet in
            // What dies sooner than that was not healthy.
            try await until("all to be stable") {
                try await martlet.status().backends.allSatisfy { $0.secondsInState > 0.1 }
            }
            let streams = Task {
                try await martlet.load(stream: true) {
                    $0.connections = 16
                    $0.duration = .seconds(7)
                }
            }
            let unary = Task {
                try await martlet.load {
                    $0.rate = 50
                    $0.fields = [("x-mock-latency", "50ms")]
                    $0.duration = .seconds(7)
                }
            }
            var slowest = Duration.zero
            for number in 0..<kills {
                let victim = number % instances
                let pid = try #require(try await martlet.backend(victim).pid)
                let start = ContinuousClock.now
                kill(pid, SIGKILL)
                try await until("another process to serve") {
                    let now = try await martlet.backend(victim)
                    return now.state == "ready" && now.pid != pid
                }
                slowest = max(slowest, ContinuousClock.now - start)
                #expect(!ProcessFiles.lives(pid))
            }
            #expect(slowest < .seconds(1), "\(martlet.log().suffix(2000))")
            let (streamed, asked) = (try await streams.value, try await unary.value)
            let told = streamed.failures[.errorEvent, default: 0]
            #expect(told > 0, "some streams were cut")
            #expect(streamed.failed == told, "\(streamed.failures)")
            #expect(streamed.completed > 100)
            #expect(asked.failed == 0, "\(asked.failures) \(asked.statuses)")
            #expect(try await martlet.backend().lastExit?.contains("signal 9") == true)
        }
    }

    /// The only process dies: who comes while there is none waits for the next one.
    @Test func RequestsWaitForTheOnlyProcessToComeBack() async throws {
        let configuration = try managed(mockCommand(), "restart: {stable: 100ms}", pool: Self.patient)
        try await withBackends(1, configuration) { martlet in
            async let report = martlet.load {
                $0.rate = 50
                $0.duration = .seconds(2)
            }
            for _ in 0..<4 {
                try await Task.sleep(for: .milliseconds(300))
                let pid = try #require(try await martlet.backend().pid)
                kill(pid, SIGKILL)
                try await until("another process to serve") {
                    let now = try await martlet.backend()
                    return now.state == "ready" && now.pid != pid
                }
            }
            let seen = try await report
            #expect(seen.failed == 0, "\(seen.text)")
        }
    }

    @Test func OnesThatHangAreReplacedWhileTheOthersServe() async throws {
        let (hangs, instances) = (5, 6)
        let configuration = try managed(
            mockCommand(), "instances: \(instances)", "ready: {interval: 200ms, timeout: 500ms, unhealthy: 2}",
            pool: Self.patient + ["health: {interval: 200ms, timeout: 500ms, unhealthy: 1}"])
        try await withBackends(instances, configuration) { martlet in
            async let report = martlet.load {
                $0.rate = 50
                $0.duration = .seconds(4)
            }
            let before = try await martlet.status().backends
            for number in 0..<hangs {
                kill(try #require(before[number].pid), SIGSTOP)
                try await Task.sleep(for: .milliseconds(300))
            }
            try await until("all to be replaced", within: .seconds(10)) {
                let now = try await martlet.status().backends
                return now.allSatisfy { $0.state == "ready" } && now.prefix(hangs).allSatisfy { $0.restarts > 0 }
            }
            let after = try await martlet.status().backends
            for number in 0..<hangs { #expect(after[number].lastExit?.hasPrefix("hung") == true) }
            #expect(after[hangs].pid == before[hangs].pid)
            let seen = try await report
            #expect(seen.failed == 0, "\(seen.text)")
        }
    }

    @Test func OutOfMemoryItIsReplacedAndStatusNamesHowItEnded() async throws {
        let configuration = managed(
            Self.faulty, "instances: 2", "limits: {address_space: 1GiB}", "restart: {stable: 100ms}",
            pool: [#"retry: {on: "off"}"#])
        try await withBackends(2, configuration) { martlet in
            // By its own limit, then as the kernel does it.
            for (path, reason) in [("/eat", "killed by signal 6"), ("/killed", "out of memory?")] {
                let before = try await martlet.status().backends
                try await martlet.post(path).expect(502)
                try await until("the dead one to be replaced") {
                    let now = try await martlet.status().backends
                    return now.allSatisfy { $0.state == "ready" } && now.map(\.restarts) != before.map(\.restarts)
                }
                let after = try await martlet.status().backends
                #expect(after.contains { $0.lastExit?.contains(reason) == true }, "\(after)")
                #expect(Set(after.map(\.pid)).intersection(before.map(\.pid)).count == 1, "the other serves on")
                try await martlet.get("/ok").expect(200)
            }
        }
    }

    @Test func WhatALeakingProcessHoldsIsShownAndBounded() async throws {
        let configuration = managed(Self.faulty, "limits: {open_files: 64}")
        try await withBackends(1, configuration) { martlet in
            let before = try #require(try await martlet.backend().openFiles)
            let ours = try martlet.descriptorCount()
            try await martlet.get("/leak").expect(200)
            let backend = try await martlet.backend()
            #expect(backend.openFiles == before + 20)
            let pid = try #require(backend.pid)
            let report = try await CommandRun.martlet("fds", "http://127.0.0.1:\(martlet.consolePort)").output
            #expect(report.contains("\(pid)"))
            #expect(report.contains(" 20  /dev/zero"), "\(report)")
            // Its own limit ends the leak, not ours.
            for _ in 0..<5 { _ = try await martlet.get("/leak") }
            #expect(try await martlet.backend().openFiles ?? 0 <= 64)
            #expect(try martlet.descriptorCount() <= ours + 2)
        }
    }

    @Test func GarbageInItsOutputBlocksNobodyAndBoundsTheLog() async throws {
        try await withBackends(1, managed(Self.faulty)) { martlet in
            let (_, time) = try await timed { try await martlet.get("/garbage").expect(200) }
            #expect(time < .seconds(10))
            try await martlet.get("/ok").expect(200)
            #expect(try await martlet.backend().restarts == 0)
            try await until("the flood to be over") { martlet.log().contains("the last line") }
            let log = martlet.log()
            #expect(log.utf8.count < 8 << 20, "of 14 MB")
            #expect(log.contains("backend output left out"))
            let longest = log.split(separator: "\n").map(\.utf8.count).max() ?? 0
            // A control character takes several.
            #expect(longest < 40_000)
        }
    }

    @Test func AProcessHoldsNothingOfMartletsNorOfItsSiblings() async throws {
        try await withBackends(2, managed(Self.faulty, "instances: 2", "restart: {stable: 1ms}")) { martlet in
            var clients: [Peer] = []
            for _ in 0..<20 { clients.append(try await martlet.peer()) }
            // One more is started while there are clients.
            kill(try #require(try await martlet.backend().pid), SIGKILL)
            try await until("it to be replaced") { try await martlet.backend().restarts == 1 }
            try await martlet.awaitBackends(2)

            let serving = try martlet.servingID
            let ours = Set(try ProcessFiles.links(of: serving).values.filter(Self.isPrivate))
            let children = try ProcessFiles.children(of: serving)
            #expect(children.count == 4, "each backend and its guard")
            var holders: [String: Set<Int32>] = [:]
            for child in children {
                for (number, link) in try ProcessFiles.links(of: child) where Self.isPrivate(link) {
                    holders[link, default: []].insert(child)
                    #expect(number <= 2 || !ours.contains(link), "\(child) holds \(link) of ours as \(number)")
                }
            }
            for (link, holders) in holders { #expect(holders.count == 1, "\(holders) share \(link)") }
            for client in clients { await client.close() }
        }
    }

    /// Not a file that everybody may open.
    private static func isPrivate(_ link: String) -> Bool { link.hasPrefix("socket:") || link.hasPrefix("pipe:") }

    /// A server that does to itself what the path says.
    private static let faulty: String = {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "faulty_backend.py")
        return "[/usr/bin/python3, -u, \(script.path), \"{port}\"]"
    }()
}
