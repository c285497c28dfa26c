import Logging
import MartletBase
import MartletLogic
import Synchronization

/// The role that asks the broker for places among the tasks of a key, of which all workers together run so many.
extension TaskWorker {
    func enterKeys() async {
        for await wishes in keyWishes {
            let known = state.withLock { state in
                wishes.compactMap { wish in state.held[wish.id].map { (wish, $0.hand.delivery.receipt) } }
            }
            do {
                let verdicts = try await broker.enter(
                    known.map { KeyPlace(key: $0.key, limit: $0.limit, receipt: $1) })
                heardFromBroker(took: false)
                let entered = Dictionary(zip(known.map(\.0.id), verdicts)) { $1 }
                change { state, now in
                    state.desk.entered(wishes, wishes.map { entered[$0.id] ?? false }, now: now)
                }
            } catch {
                logger.debug("places of keys cannot be asked for", metadata: ["error": "\(error)"])
                change { state, now in state.desk.entered(wishes, nil, now: now) }
            }
        }
    }
}
