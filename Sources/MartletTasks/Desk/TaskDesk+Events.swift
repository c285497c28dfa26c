import Foundation
import MartletBase
import MartletLogic
package import MartletWire
import NIOCore
import Synchronization

// What workers tell.
extension TaskDesk {
    /// Messages that may wait to be read; more are dropped, the oldest first.
    private static let eventBuffer = 4096
    private static let askingPause: Duration = .seconds(30)

    /// Reads events until the task is cancelled.
    func hearEvents() async {
        let (messages, incoming) = AsyncStream.makeStream(
            of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(Self.eventBuffer))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    try? await self.broker.subscribe(
                        channels: [], patterns: ["/\(self.settings.database).celeryev/*"]
                    ) { _, message in
                        if case .dropped = incoming.yield(message) {
                            self.lostEvents.add(1, ordering: .relaxed)
                        }
                    }
                    try? await Task.sleep(for: .seconds(1))
                }
            }
            group.addTask { for await message in messages { self.hear(message) } }
        }
    }

    func hear(_ message: ByteBuffer) {
        let now = Self.now
        let events = EventReader.read(Array(buffer: message))
        let changed = chronicle.withLock { chronicle in
            events.compactMap { event -> String? in
                switch event {
                case .task(let news):
                    chronicle.apply(news, now: now)
                    return news.id
                case .worker(let news):
                    chronicle.apply(news, now: now)
                    return nil
                }
            }
        }
        for id in changed { watch.tell(id) }
    }

    /// Workers send events of tasks only when they are told to, as Flower does.
    func askForEvents() async {
        while !Task.isCancelled {
            try? await broadcast("enable_events", [:])
            try? await Task.sleep(for: Self.askingPause)
        }
    }

    // MARK: What is shown

    /// Grows with each event: who shows what follows from them knows whether to look again.
    package var version: UInt64 { chronicle.withLock { $0.version } }

    /// The workers that were heard of, by name.
    package func workers() -> JSONValue {
        let now = Self.now
        let workers = chronicle.withLock { $0.workers }
        return .array(workers.map { worker in
            [
                "name": .string(worker.name), "alive": .bool(worker.isAlive(now: now)),
                "heard_s": QueueLook.rounded(max(0, now - worker.heard)), "active": .integer(Int64(worker.active)),
                "processed": .integer(Int64(worker.processed)), "load": .array(worker.load.map { .number($0) }),
                "software": .optional(worker.software), "pid": .optional(worker.processID),
                "tasks": .array(worker.current.map { .string($0) }),
            ]
        })
    }

    /// What a page shows at a glance: `{"queues", "workers", "states", "lost_events"}`.
    package func overview() async throws -> JSONValue {
        let queues = try await queues()
        let states = chronicle.withLock { $0.states }
        return [
            "queues": .array(queues.map(\.json)), "workers": workers(),
            "states": .object(states.mapValues { .integer(Int64($0)) }),
            "lost_events": .integer(Int64(clamping: lostEvents.load(ordering: .relaxed))),
        ]
    }
}
