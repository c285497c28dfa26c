import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore

/// What a worker asks the others at its start: which tasks are revoked, and the time of the logical clock.
struct Mingle {
    /// How long it listens to answers.
    private static let patience = Duration.seconds(1)

    let worker: TaskWorker

    func run() async {
        do {
            for reply in try await replies() { learn(from: reply) }
        } catch {
            worker.logger.debug("other workers were not asked", metadata: ["error": "\(error)"])
        }
    }

    private func replies() async throws -> [JSONValue] {
        let name = RandomID.make()
        let queue = "\(name).reply.celery.pidbox"
        let list = worker.broker.keyed(queue)
        let bindings = worker.broker.keyed(QueueBinding.key("reply.celery.pidbox"))
        let binding = "\(name)\u{6}\u{16}\u{6}\u{16}\(queue)"
        let ids = WorkerInspection(worker).revokedIDs.map { JSONValue.string($0) }
        let hello = ControlBroadcast(
            "hello", ["from_node": .string(worker.settings.name), "revoked": .array(ids)],
            expires: SystemClock.seconds + Self.patience.inSeconds, replyTo: name)
        let channel = worker.broker.keyed(ControlRequest.channel(database: worker.settings.database))
        _ = try await worker.broker.run([
            command("SADD", bindings, binding), command("PUBLISH", channel, hello.text),
        ])
        try? await Task.sleep(for: Self.patience)
        let answers = try await worker.broker.run([
            command("SREM", bindings, binding), command("LRANGE", list, "0", "-1"), command("DEL", list),
        ])
        return answers.dropFirst().first?.elements.compactMap { element in
            element.bytes.flatMap { try? KombuMessage(Array(buffer: $0)) }?.body.value
        } ?? []
    }

    private func learn(from reply: JSONValue) {
        guard case .object(let workers) = reply else { return }
        for (name, answer) in workers where name != worker.settings.name && answer != .null {
            worker.clock.adjust(answer["clock"]?.int ?? 0)
            worker.learn(revoked: ControlPanel.ids(answer["revoked"]))
        }
    }
}
