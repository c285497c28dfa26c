import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import Synchronization

/// The roles that watch the clock and keep what is in hand this worker's own.
extension TaskWorker {
    /// A wall clock that was set is noticed after so long.
    private static let longestSleep = Duration.seconds(30)

    func watchClock() async {
        while !Task.isCancelled {
            change { state, now in state.desk.woken(now: now) }
            let pause = state.withLock { state -> Duration in
                let now = TaskTime.current
                state.alarmAt = state.desk.nextWake(now: now)
                return min(max(state.alarmAt - now.instant, .zero), Self.longestSleep)
            }
            if pause > .zero { await alarm.wait(atMost: pause) }
        }
    }

    func renewLeases() async {
        for await ids in renewals {
            let receipts = state.withLock { state in
                ids.compactMap { id in state.held[id].map { (id, $0.hand.delivery.receipt) } }
            }
            guard !receipts.isEmpty else { continue }
            let sentAt = Instant.current
            do {
                let lost = Set(try await broker.renew(receipts.map(\.1)))
                heardFromBroker(took: false)
                change { state, now in
                    state.desk.renewed(
                        receipts.map(\.0), sentAt: sentAt, lost: receipts.filter { lost.contains($0.1) }.map(\.0),
                        now: now)
                }
            } catch {
                // The desk asks again while there is time.
                logger.debug("leases cannot be renewed", metadata: ["error": "\(error)", "leases": "\(ids.count)"])
            }
        }
    }

    /// Puts back what dead workers have left behind, and makes sure that this one is not deaf: that it is told of work,
    /// and that the broker answers at all.
    func sweep() async {
        let pause = min(settings.desk.lease / 3, settings.stall / 2)
        while (try? await Task.sleep(for: pause)) != nil {
            do {
                let count = try await broker.restore(lease: settings.desk.lease)
                heardFromBroker(took: false)
                if count > 0 { logger.notice("messages of lost workers returned", metadata: ["messages": "\(count)"]) }
                interest.notify()
            } catch {
                logger.debug("the broker was not asked", metadata: ["error": "\(error)"])
            }
        }
    }

    /// After the time that runs have to end in a drain, so long is waited for the broker to hear of them.
    private static let lastCall = Duration.seconds(10)

    /// Ends the worker's drain where something does not end, or the broker does not answer: what is in hand then comes
    /// back to its queue when its lease ends.
    func endInTime() async {
        await stopping.wait()
        guard (try? await Task.sleep(for: settings.drain + Self.lastCall)) != nil else { return }
        logger.warning("the worker stops before all was told", metadata: ["tasks": "\(status().unsettled)"])
        start.finish()
    }
}
