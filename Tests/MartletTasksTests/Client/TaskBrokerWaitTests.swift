import Foundation
import MartletBase
import MartletLogic
import MartletNet
@testable import MartletTasks
import MartletWire
import NIOCore
import Testing


/// Waiting for work, and what becomes of a client when its broker is not there.
@Suite(.timeLimit(.minutes(1))) struct TaskBrokerWaitTests {
    private let lists = QueueList.all(of: ["q", "p"])

    @Test func itReturnsWhenSomethingIsThere() async throws {
        try await LiveBroker.run { live in
            let broker = live.client()
            try await broker.publish([("p", "p", message("t1", queue: "p"))])
            try await broker.wait(for: lists)
            #expect(try await broker.take(lists, count: 9).count == 1)
            await broker.close()
        }
    }

    @Test(arguments: ["q", "p\u{6}\u{16}9"])
    func itReturnsWhenSomethingComes(key: String) async throws {
        try await LiveBroker.run { live in
            let (worker, producer) = (live.client(), live.client())
            async let woken: Void = worker.wait(for: lists)
            try await untilBlocked(8, producer)
            try await producer.publish([(key, "q", message("t1"))])
            try await woken
            #expect(try await producer.say("LLEN \(key)") == .integer(1), "it took nothing")
            #expect(try await worker.take(lists, count: 9).map(\.receipt.key) == [key])
            await worker.close()
            await producer.close()
        }
    }

    @Test func itReturnsWhenWhatHadToWaitIsDue() async throws {
        try await LiveBroker.run { live in
            let worker = live.client()
            // The time runs from when all else is ready.
            _ = try await worker.say("PING")
            let soon = Date.now.addingTimeInterval(3).formatted(
                Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            try await worker.publish([("q", "q", message("t1", eta: "\"\(soon)\""))])
            #expect(try await worker.take(lists, count: 9).isEmpty)
            try await worker.wait(for: lists)
            #expect(try await worker.take(lists, count: 9).count == 1)
            await worker.close()
        }
    }

    @Test func aWaitIsAskedForAnewAsLongAsItTakes() async throws {
        try await LiveBroker.run { live in
            let worker = live.client { $0.wait = .seconds(1) }
            let producer = live.client()
            async let woken: Void = worker.wait(for: lists)
            try await untilBlocked(1, producer)
            // Each look is a command, too.
            let before = try await commands(producer)
            var looks = 0
            while try await commands(producer) - before < looks + 5 {
                try Task.checkCancellation()
                looks += 1
            }
            try await producer.publish([("q", "q", message("t1"))])
            try await woken
            await worker.close()
            await producer.close()
        }
    }

    @Test func cancellingEndsItAtOnceAndTheNextOneStillHears() async throws {
        try await LiveBroker.run { live in
            let (worker, producer) = (live.client(), live.client())
            let waiting = Task { try await worker.wait(for: lists) }
            try await untilBlocked(8, producer)
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            async let woken: Void = worker.wait(for: lists)
            try await producer.publish([("q", "q", message("t1"))])
            try await woken
            await worker.close()
            await producer.close()
        }
    }

    @Test func aWaitThatIsNotAnsweredIsNoWaitAnyMore() async throws {
        let mute = try await MuteBroker.start()
        let broker = TaskBroker.test(mute.url) { ($0.wait, $0.outage) = (.milliseconds(50), .seconds(5)) }
        // The broker says nothing to `BLMOVE`: the client notices, and looks for itself.
        try await broker.wait(for: [QueueList(queue: "q")])
        try await broker.wait(for: [QueueList(queue: "q")])
        #expect(mute.connections >= 2, "on a new connection")
        await broker.close()
        try await mute.stop()
    }

    // MARK: Outages

    @Test func aCallDuringAnOutageWaitsABoundedTime() async throws {
        let broker = TaskBroker.test(RedisURL(host: "127.0.0.1", port: try #require(LoopbackPort.free()))) {
            $0.outage = .milliseconds(300)
        }
        let start = ContinuousClock.now
        await #expect(throws: MartletError.self) { try await broker.take(lists, count: 1) }
        await #expect(throws: MartletError.self) { try await broker.wait(for: lists) }
        #expect(ContinuousClock.now - start < .seconds(10))
        await broker.close()
    }

    @Test func aWrongPasswordIsToldAtOnce() async throws {
        try await LiveBroker.run { $0.policy.password = "secret" } _: { live in
            var url = live.url
            url.password = Secret("other")
            let broker = TaskBroker.test(url) { $0.outage = .seconds(60) }
            await #expect { try await broker.take(lists, count: 1) } throws: { error in
                (error as? RedisError)?.code == "WRONGPASS"
            }
            await broker.close()
            url.password = Secret("secret")
            let right = TaskBroker.test(url)
            let taken = try await right.take(lists, count: 1)
            #expect(taken.isEmpty)
            await right.close()
        }
    }

    @Test func aCutConnectionIsMadeAgain() async throws {
        try await LiveBroker.run { live in
            let (worker, other) = (live.client(), live.client())
            async let woken: Void = worker.wait(for: lists)
            try await untilBlocked(8, other)
            #expect(try await worker.say("PING") == .simple("PONG"))
            // All but the connection that says so.
            _ = try await other.say("CLIENT KILL SKIPME yes TYPE normal")
            try await woken
            var answer: Bool?
            while answer == nil { answer = try? await worker.take(lists, count: 1).isEmpty }
            #expect(answer == true)
            async let again: Void = worker.wait(for: lists)
            try await other.publish([("p", "p", message("t1", queue: "p"))])
            try await again
            await worker.close()
            await other.close()
        }
    }

    @Test func closingEndsAllThatWait() async throws {
        try await LiveBroker.run { live in
            let (worker, other) = (live.client(), live.client())
            let waiting = Task { try await worker.wait(for: lists) }
            try await untilBlocked(8, other)
            await worker.close()
            await #expect(throws: (any Error).self) { try await waiting.value }
            await #expect(throws: MartletError.self) { try await worker.result(of: "t1") }
            await #expect(throws: MartletError.self) {
                try await worker.subscribe(channels: ["c"], patterns: []) { _, _ in }
            }
            await other.close()
        }
    }

    // MARK: Helpers

    private func untilBlocked(_ count: Int, _ broker: TaskBroker) async throws {
        while try await figure("blocked_clients", in: "clients", broker) < count {}
    }

    private func commands(_ broker: TaskBroker) async throws -> Int {
        try await figure("total_commands_processed", in: "stats", broker)
    }

    private func figure(_ name: String, in section: String, _ broker: TaskBroker) async throws -> Int {
        let reply = try await broker.say("INFO \(section)")
        let text =
            switch reply {
            case .bulk(let bytes), .verbatim(_, let bytes): String(buffer: bytes)
            default: ""
            }
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name + ":") } ?? ""
        return Int(line.dropFirst(name.count + 1)) ?? 0
    }
}
