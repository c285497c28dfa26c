import Foundation
import MartletTools
import NIOCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// With 256 descriptors and many more clients, everyone gets an answer, and the limit is never met.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ShortageTests {
    private static let limit = ["/usr/bin/prlimit", "--nofile=256:256"]

    /// How the clients of a crowd fared.
    private struct Tally {
        var served = 0
        var refused = 0
        /// Anything but 200, or 503 with all that belongs to it.
        var odd: [String] = []

        mutating func count(_ outcome: Result<Answer, any Error>) {
            switch outcome {
            case .success(let answer) where answer.status == 200 && answer.isComplete: served += 1
            case .success(let answer)
            where answer.status == 503 && answer.isComplete && Int(answer.header("retry-after") ?? "") ?? 0 > 0
                && answer.header("x-should-retry") == "false" && answer.errorCode == "overloaded":
                refused += 1
            case .success(let answer): odd.append("\(answer.status) \(answer.end) \(answer.body.prefix(100))")
            case .failure(let error): odd.append("\(error)")
            }
        }
    }

    private static func crowd(_ count: Int, at martlet: MartletProcess, headers: [String]) async -> Tally {
        let port = martlet.publicPort
        return await withTaskGroup(of: Result<Answer, any Error>.self) { clients in
            for _ in 0..<count {
                clients.addTask {
                    do {
                        let answer = try await Client.ask(
                            "POST", "/x", port: port, headers: headers, body: "{}", within: .seconds(30))
                        return .success(answer)
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var tally = Tally()
            for await outcome in clients { tally.count(outcome) }
            return tally
        }
    }

    @Test func ThreeThousandClientsAtOnceAreAllAnsweredAndTheLimitIsNeverMet() async throws {
        let traced = [
            "/usr/bin/strace", "-D", "-f", "--seccomp-bpf", "-o", "{dir}/trace", "-e", "status=failed",
            "-e", "trace=accept4,socket,epoll_ctl,openat",
        ]
        try await withMocks(1) { mocks in
            try await withMartlet(onePool(mocks.targets()), under: traced + Self.limit) { martlet in
                async let crowd = Self.crowd(3_000, at: martlet, headers: ["x-mock-latency: 300ms"])
                var asked = 0
                try await until("the crowd to be in the way", within: .seconds(20)) {
                    asked += 1
                    return try await martlet.status().connections.client > 60
                }
                let tally = await crowd
                #expect(tally.odd.isEmpty, "\(tally.odd.count): \(tally.odd.prefix(5))")
                #expect(tally.served + tally.refused == 3_000)
                #expect(tally.served > 85, "those who were there first, and more")
                let failures = martlet.written(to: "trace").split(separator: "\n").filter { line in
                    ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"].contains { line.contains($0) }
                }
                #expect(failures.isEmpty, "\(failures.count): \(failures.prefix(3))")
                #expect(!martlet.log().contains("no connection can be accepted"))
            }
        }
    }

    @Test func WithEveryPlaceTakenOthersAreToldAtOnceAndNoCoreIsBurnt() async throws {
        try await withMocks(1) { mocks in
            try await withMartlet(onePool(mocks.targets()), under: Self.limit) { martlet in
                var holders: [Peer] = []
                for _ in 0..<85 {
                    let holder = try await Peer.connect(martlet.publicPort)
                    try await holder.send("GET /x HTTP/1.1\r\nHost: a\r\nx-mock-fault: hang\r\n\r\n")
                    holders.append(holder)
                }
                try await until("every place to be taken") { try await martlet.get().status == 503 }
                let tally = await Self.crowd(200, at: martlet, headers: [])
                #expect(tally.odd.isEmpty, "\(tally.odd.prefix(5))")
                #expect(tally.refused == 200)
                let before = try martlet.cpuSeconds()
                let start = ContinuousClock.now
                try await Task.sleep(for: .seconds(1))
                let spent = try martlet.cpuSeconds() - before
                #expect(spent / ((ContinuousClock.now - start) / .seconds(1)) < 0.2, "\(spent) s of CPU")
                #expect(try await martlet.status().connections.client >= 85)
                for holder in holders { await holder.close() }
                try await until("a place") { try await martlet.get().status == 200 }
            }
        }
    }

    @Test func SilentClientsInTheQueueAreToldAsWell() async throws {
        try await withMocks(1) { mocks in
            try await withMartlet(onePool(mocks.targets()), under: Self.limit) { martlet in
                var holders: [Peer] = []
                for _ in 0..<120 { holders.append(try await Peer.connect(martlet.publicPort)) }
                // The first 85 are served, so they may think; the rest hears after two seconds.
                let heard = try await holders[119].receive(.end, within: .seconds(20))
                #expect(heard.text.hasPrefix("HTTP/1.1 503 "))
                #expect(heard.end == .closed)
                for holder in holders { await holder.close() }
            }
        }
    }
}
