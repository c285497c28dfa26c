import Foundation
import MartletBase
import MartletLogic
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import MartletTasks

@Suite("Webhooks of tasks that ended")
struct DeskWebhookTests {
    private func submission(_ json: JSONValue) throws -> TaskSubmission {
        try TaskSubmission(json, now: TaskDesk.nowMilliseconds)
    }

    /// Returns when all who are to be told now were.
    private func tellOnce(_ desk: TaskDesk) async throws {
        let failure = await withDiscardingTaskGroup { group -> (any Error)? in
            do {
                try await desk.tellWebhooks(in: &group)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// Fails as often as it is told to.
    private final class Receiver: WebhookSender {
        let told = Mutex<[(message: WebhookMessage, url: String)]>([])
        private let failures: Mutex<Int>

        init(failures: Int) {
            self.failures = Mutex(failures)
        }

        func check(_ url: String) async throws {
            if url.contains("bad") { throw MartletError(.invalidBody) }
        }

        func send(_ message: WebhookMessage, to url: String) async -> Bool {
            told.withLock { $0.append((message, url)) }
            return failures.withLock { left in
                left -= 1
                return left < 0
            }
        }
    }

    @Test("A webhook is told once that its task ended, and again while nobody takes it")
    func webhooks() async throws {
        let receiver = Receiver(failures: 1)
        try await DeskFixture.run(webhooks: receiver) { fixture in
            let task = try await fixture.desk.submit(
                try submission(["task": "t", "webhook": "https://example.com/done"]))
            try await tellOnce(fixture.desk)
            #expect(receiver.told.withLock { $0.isEmpty })
            try await fixture.store(["status": "SUCCESS", "result": 5, "task_id": .string(task.id)], of: task.id)
            try await tellOnce(fixture.desk)
            #expect(receiver.told.withLock { $0.count } == 1)
            try await eventually("the second attempt") {
                try await tellOnce(fixture.desk)
                return receiver.told.withLock { $0.count } == 2
            }
            try await tellOnce(fixture.desk)
            let told = receiver.told.withLock { $0 }
            #expect(told.count == 2 && told[0].url == "https://example.com/done")
            #expect(told.allSatisfy { $0.message.id == task.id })
            let body = try #require(JSONValue.parsed(told[1].message.body.utf8))
            #expect(body["id"] == .string(task.id) && body["state"] == "SUCCESS" && body["result"] == 5)
            #expect(try await fixture.answer("HLEN", "martlet.webhooks") == .integer(0))
            await #expect(throws: MartletError.self) {
                try await fixture.desk.submit(try submission(["task": "t", "webhook": "https://bad/"]))
            }
        }
    }

    @Test("Pauses between attempts grow, up to ten minutes")
    func pauses() {
        var hook = WebhookTry(url: "u", due: 0)
        var pauses: [Int64] = []
        for _ in 0..<12 {
            hook.failed(now: 0)
            pauses.append(hook.due)
        }
        #expect(pauses.prefix(4) == [1000, 2000, 4000, 8000] && pauses.last == 600_000)
        #expect(WebhookTry(.bulk(ByteBuffer(string: hook.text))) == hook)
    }

    /// Answers nobody at `slow` before it is told to.
    private final class SlowReceiver: WebhookSender {
        let told = Mutex<[String]>([])
        let begun = Mutex(0)
        private let isOpen = Atomic(false)

        func check(_ url: String) async throws {}

        func send(_ message: WebhookMessage, to url: String) async -> Bool {
            if url.contains("slow") {
                begun.withLock { $0 += 1 }
                while !isOpen.load(ordering: .acquiring), !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(5))
                }
            }
            told.withLock { $0.append(url) }
            return true
        }

        func open() { isOpen.store(true, ordering: .releasing) }
    }

    @Test("A slow receiver takes its share and holds up nobody else")
    func slow() async throws {
        let (receiver, limits) = (SlowReceiver(), WebhookLine.Limits())
        try await DeskFixture.run(webhooks: receiver, isRunning: true) { fixture in
            func submit(_ host: String) async throws {
                let task = try await fixture.desk.submit(
                    try submission(["task": "t", "webhook": .string("https://\(host).example/done")]))
                try await fixture.store(["status": "SUCCESS", "result": 1, "task_id": .string(task.id)], of: task.id)
            }
            for _ in 0..<limits.toldOfHost + 3 { try await submit("slow") }
            try await eventually("its share") { receiver.begun.withLock { $0 } == limits.toldOfHost }
            try await submit("quick")
            try await eventually("the quick one") { receiver.told.withLock { $0 } == ["https://quick.example/done"] }
            #expect(receiver.begun.withLock { $0 } == limits.toldOfHost)
            receiver.open()
            try await eventually("all of them") { receiver.told.withLock { $0.count } == limits.toldOfHost + 4 }
            try await eventually("nothing is left") {
                try await fixture.answer("HLEN", "martlet.webhooks") == .integer(0)
            }
        }
    }

    @Test("A webhook whose task nobody knows any more is forgotten, and one whose task runs is not told")
    func forgotten() async throws {
        let receiver = Receiver(failures: 0)
        try await DeskFixture.run(webhooks: receiver) { fixture in
            for id in ["gone", "runs"] {
                let hook = WebhookTry(url: "https://example.com", due: 0).text
                _ = try await fixture.answer("HSET", "martlet.webhooks", id, hook)
            }
            try await fixture.store(["status": "STARTED", "result": .null, "task_id": "runs"], of: "runs")
            try await tellOnce(fixture.desk)
            #expect(try await fixture.answer("HKEYS", "martlet.webhooks").elements.compactMap(\.string) == ["runs"])
            #expect(receiver.told.withLock { $0.isEmpty })
        }
    }
}
