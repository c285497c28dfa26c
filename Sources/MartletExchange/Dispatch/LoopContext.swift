package import MartletBase
package import MartletNet
package import MartletTelemetry
package import NIOCore

/// What requests on one event loop share: its timers, its counters, its legs. Confined to that loop.
package final class LoopContext {
    package let loop: any EventLoop
    package let wheel: DeadlineWheel
    package let meter = LoopMeter()
    package let budget: BufferBudget
    package let clients = OpenConnections()
    /// Set once, before the first connection.
    package var legs: (any LegSource)?
    /// nil: `access_log: off`.
    package var accessLog: AccessLog?
    package var buffers = BufferPool()
    /// How long an event stream may be silent before a comment goes out; nil: never.
    package var heartbeat: Interval?
    /// Takes requests whose clients prefer an answer later (`Prefer: respond-async`); nil: there is no such thing here.
    package var later: (any LocalHandler)?
    /// Answers chat completions whose tools search files; nil: models are asked as they are.
    package var fileSearch: (any LocalHandler)?
    private var random: SplitMix64
    private var lastRequest: UInt64
    private let requestIDMask: UInt64
    private var httpDate = HTTPDate()

    /// - Parameters:
    ///   - number: this loop's, unique in the process.
    ///   - seed: random, the same for all loops of the process.
    package init(loop: any EventLoop, number: Int, budget: BufferBudget, seed: UInt64) {
        self.loop = loop
        now = Instant(nanoseconds: loop.now.uptimeNanoseconds)
        wheel = DeadlineWheel(loop: loop)
        self.budget = budget
        random = SplitMix64(seed: seed &+ UInt64(number))
        lastRequest = UInt64(number) << 44
        requestIDMask = seed
    }

    /// When the event being handled arrived: the clock is read once for each (`readClock`), not for each question.
    package private(set) var now: Instant

    /// An event arrived. The loop's own clock: the monotonic one, but for a loop whose time a test moves.
    package func readClock() {
        now = Instant(nanoseconds: loop.now.uptimeNanoseconds)
    }

    /// Bytes taken into memory for a request (positive) or let go (negative): told to the process-wide bound.
    package func hold(_ bytes: Int) {
        budget.charge(bytes)
        meter.bufferedBytes(changedBy: Int64(bytes))
    }

    /// The `Date` of an answer of our own; a relayed one has its target's.
    package func date() -> String { httpDate.text(at: .now()) }

    /// A number that no other request of this process has.
    package func nextRequestNumber() -> UInt64 {
        lastRequest &+= 1
        return lastRequest
    }

    /// 15 hexadecimal digits that no other request of this process has: as many as a Swift string holds in place.
    package func nextRequestID() -> String {
        // Multiplying by an odd number is one-to-one, so different numbers stay different.
        var rest = ((nextRequestNumber() &* 0x9E37_79B9_7F4A_7C15) ^ requestIDMask) & 0x0FFF_FFFF_FFFF_FFFF
        // SAFETY: exactly the 15 places asked for are written.
        return unsafe String(unsafeUninitializedCapacity: 15) { digits in
            for index in 0..<15 {
                unsafe digits[14 - index] = UInt8(rest & 15) + (rest & 15 < 10 ? 48 : 87)
                rest >>= 4
            }
            return 15
        }
    }

    /// 0 ..< 1.
    package func draw() -> Double { Double(random.next() >> 11) * 0x1p-53 }
}
