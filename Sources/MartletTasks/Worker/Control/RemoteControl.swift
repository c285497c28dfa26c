import Logging
import MartletLogic
import MartletNet
import MartletWire
import NIOCore

/// The role that hears what is asked of workers, and what they tell each other.
struct RemoteControl {
    /// So much that was heard and not yet looked at is kept; what is more is dropped.
    private static let backlog = 1000
    /// An answer that nobody fetched is gone after so many seconds.
    private static let replySeconds = "60"

    private let worker: TaskWorker
    private let panel: ControlPanel

    init(_ worker: TaskWorker) {
        self.worker = worker
        panel = ControlPanel(worker)
    }

    /// Works until the task is cancelled.
    func run() async {
        let (heard, hear) = AsyncStream.makeStream(
            of: (String, ByteBuffer).self, bufferingPolicy: .bufferingOldest(Self.backlog))
        let requests = ControlRequest.channel(database: worker.settings.database)
        let (holds, hold) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let patterns = worker.settings.gossips ? ["/\(worker.settings.database).celeryev/worker.*"] : []
        await withDiscardingTaskGroup { group in
            group.addTask {
                var pause = Pause()
                while !Task.isCancelled {
                    do {
                        try await self.worker.broker.subscribe(
                            channels: [requests], patterns: patterns, ready: { hold.yield() }
                        ) { hear.yield(($0, $1)) }
                    } catch {
                        self.worker.logger.debug("remote control is deaf", metadata: ["error": "\(error)"])
                        await pause.wait()
                    }
                }
                hear.finish()
                hold.finish()
            }
            // What was revoked while nobody listened here.
            group.addTask { for await _ in holds { await self.worker.recallMissedRevocations() } }
            if worker.settings.mingles {
                group.addTask { await Mingle(worker: self.worker).run() }
            }
            for await (channel, message) in heard {
                if channel.hasSuffix(requests) {
                    await answer(message)
                } else {
                    await gossip(message)
                }
            }
        }
    }

    private func answer(_ bytes: ByteBuffer) async {
        guard let request = try? ControlRequest(Array(buffer: bytes)) else {
            return worker.logger.warning("remote control said what cannot be read")
        }
        worker.clock.adjust(request.clock)
        let name = worker.settings.name
        guard request.isMeant(for: name) else { return }
        let reply = await reply(to: request)
        let publication = ControlReply.publication(
            reply, from: name, to: request, clock: worker.clock.forward(), deliveryTag: RandomID.make())
        guard let (key, message) = publication else { return }
        let list = ByteBuffer(string: worker.broker.keyed(key))
        do {
            _ = try await worker.broker.run([
                [ByteBuffer(string: "LPUSH"), list, ByteBuffer(bytes: message)],
                [ByteBuffer(string: "EXPIRE"), list, ByteBuffer(string: Self.replySeconds)],
            ])
        } catch {
            worker.logger.debug("an answer was not told", metadata: ["method": "\(request.method)"])
        }
    }

    private func reply(to request: ControlRequest) async -> JSONValue {
        do throws(ControlRefusal) {
            return try await panel.answer(request.method, request.arguments)
        } catch {
            worker.logger.warning(
                "remote control asked for what cannot be done",
                metadata: ["method": "\(request.method)", "reason": "\(error.text)"])
            return ControlReply.error(error.text)
        }
    }

    private func gossip(_ message: ByteBuffer) async {
        for event in TaskEvent.events(in: Array(buffer: message)) {
            switch worker.gossip.hear(event, now: SystemClock.seconds) {
            case .join(let id):
                worker.events.other(TaskEvent(type: "worker-elect-ack", fields: RawObject([("id", RawJSON(id))])))
            case .act("task", let signature): await publish(signature)
            case .act(let topic, _):
                worker.logger.warning("elected for what nobody here knows", metadata: ["topic": "\(topic)"])
            case nil: break
            }
        }
    }

    /// This worker was elected to call a task.
    private func publish(_ signature: RawJSON) async {
        do {
            let steps = try Canvas.publishing(Signature(signature), worker.books.context())
            try await worker.ledger.prepare(steps)
            try await worker.broker.publish(worker.books.messages(steps.tasks))
        } catch {
            worker.logger.warning("an elected task was not published", metadata: ["error": "\(error)"])
        }
    }
}
