package import MartletBase
package import MartletExchange
import MartletLogic
import MartletNet
package import MartletTelemetry
import NIOCore
package import NIOEmbedded

/// An event loop whose time the test moves, and what requests on it share. Stays on the thread that made it.
package final class ManualLoop {
    package let loop = EmbeddedEventLoop()
    package let context: LoopContext
    package let legs = FakeLegSource()

    package init(bufferLimit: Int = 1 << 30, seed: UInt64 = 1) {
        // Zero is no instant of a real clock.
        loop.advanceTime(by: .seconds(1000))
        context = LoopContext(loop: loop, number: 1, budget: BufferBudget(limit: bufferLimit), seed: seed)
        context.legs = legs
    }

    package var now: Instant { Instant(nanoseconds: loop.now.uptimeNanoseconds) }

    /// Lets time pass, and everything happen that is due on the way.
    package func advance(_ duration: Duration) {
        loop.advanceTime(by: .nanoseconds(duration.wholeNanoseconds))
        context.readClock()
    }

    /// Runs what is due now, such as places granted by a pool.
    package func run() {
        loop.run()
    }

    // MARK: Its books

    package var totals: MeterTotals { MeterTotals([context.meter.snapshot()]) }

    /// Requests that were recorded.
    package var recordedRequests: Int {
        totals.requests.values.reduce(0) { $0 + Int($1.count) }
    }

    /// How often requests ended in each way.
    package var outcomes: [Outcome: Int] {
        totals.requests.reduce(into: [:]) { $0[$1.key.outcome, default: 0] += Int($1.value.count) }
    }

    /// What is still held of what requests share, in words; empty when every book is closed.
    package func leftovers(_ pools: [Pool]) -> [String] {
        var found: [String] = []
        func expectZero(_ value: some BinaryInteger, _ what: String) {
            if value != 0 { found.append("\(what): \(value)") }
        }
        for pool in pools {
            let status = pool.status(now: now)
            expectZero(status.active, "\(pool.name) in flight")
            expectZero(status.queued.total, "\(pool.name) queued")
            expectZero(status.retriesInProgress, "\(pool.name) retries")
            expectZero(status.impossible, "\(pool.name) impossible events")
        }
        expectZero(context.budget.usedBytes, "buffered bytes")
        expectZero(context.wheel.count, "deadlines")
        expectZero(totals.global.impossibleEvents, "impossible events")
        expectZero(legs.legs.count { !$0.isOver }, "legs")
        return found
    }
}
