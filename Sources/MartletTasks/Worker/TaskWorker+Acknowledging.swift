import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// The role that acknowledges messages before their runs (`acks_late` off): such a task runs once or not at all.
extension TaskWorker {
    /// An outage that takes longer leaves it open whether a message was acknowledged, and then its task is not run.
    private static let receiptLife = Duration.seconds(600)

    func acknowledgeFirst() async {
        await withDiscardingTaskGroup { calls in
            for await ids in acknowledgements {
                // No slot waits for the messages of others; what is asked at one time goes out together.
                calls.addTask { await self.acknowledge(ids) }
            }
        }
    }

    private func acknowledge(_ ids: [DeliveryID]) async {
        let due = state.withLock { state in
            ids.compactMap { id in
                state.held[id].map { DueAcknowledgement(id: id, receipt: $0.hand.delivery.receipt) }
            }
        }
        var wasTold = false
        var pause = Pause()
        while !due.isEmpty, !Task.isCancelled {
            do {
                let answers = try await broker.finish(due.map { $0.finish(kept: Self.receiptLife) })
                heardFromBroker(took: false)
                let isOurs = wasTold ? try await wereAcknowledged(due, answers) : answers
                change { state, now in
                    zip(due, isOurs).flatMap { one, isOurs in
                        if isOurs { state.held[one.id]?.isAcknowledged = true }
                        return state.desk.acknowledged(one.id, isOurs: isOurs, now: now)
                    }
                }
                return await forget(due)
            } catch {
                wasTold = true
                logger.debug("messages cannot be acknowledged", metadata: ["error": "\(error)"])
                await pause.wait()
            }
        }
    }

    /// Who told it before and did not hear the answer looks for what that left.
    func wereAcknowledged(_ due: [DueAcknowledgement], _ answers: [Bool]) async throws -> [Bool] {
        let traces = try await broker.accepted(due.map { [word("GET"), word(broker.keyed($0.trace))] })
        return zip(zip(due, answers), traces).map { one, trace in
            one.1 || trace.string == one.0.lease
        }
    }

    /// The answer is known; what is not forgotten here is gone by itself.
    private func forget(_ due: [DueAcknowledgement]) async {
        _ = try? await broker.run([[word("DEL")] + due.map { word(broker.keyed($0.trace)) }])
    }

    private func word(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }
}

/// A message that is to be acknowledged before its run.
struct DueAcknowledgement: Sendable {
    let id: DeliveryID
    let receipt: Receipt

    /// Where the acknowledgement leaves its trace in the same step, for a connection that breaks before the answer.
    var trace: String { "martlet-acknowledged-\(receipt.tag)" }
    var lease: String { LeaseText.of(receipt.lease, list: receipt.key) }

    func finish(kept: Duration) -> TaskFinish {
        TaskFinish(receipt: receipt, storing: StoredResult(key: trace, json: ByteBuffer(string: lease), expires: kept))
    }
}
