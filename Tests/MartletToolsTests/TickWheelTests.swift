import NIOCore
import NIOPosix
import Testing

@testable import MartletTools

@Suite struct TickWheelTests {
    /// Notes when it is called and asks to come again as often as it is told to.
    private final class Probe: Ticking {
        private(set) var calls: [(ticket: UInt32, time: UInt64)] = []
        private let again: [UInt64]
        private let expected: Int
        private let done: EventLoopPromise<[UInt64]>

        init(again: [UInt64] = [], expected: Int, done: EventLoopPromise<[UInt64]>) {
            self.again = again
            self.expected = expected
            self.done = done
        }

        func tick(ticket: UInt32, now: UInt64) -> UInt64? {
            calls.append((ticket, now))
            if calls.count == expected { done.succeed(calls.map(\.time)) }
            return calls.count <= again.count ? now + again[calls.count - 1] : nil
        }
    }

    private func calls(due: [UInt64], again: [UInt64] = []) async throws -> (start: UInt64, times: [UInt64]) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let start = monotonicNanoseconds()
        let times = try await loop.flatSubmit {
            let done = loop.makePromise(of: [UInt64].self)
            let wheel = TickWheel(loop: loop)
            let probe = Probe(again: again, expected: due.count + again.count, done: done)
            for (ticket, delay) in due.enumerated() { wheel.add(probe, ticket: UInt32(ticket), due: start + delay) }
            return done.futureResult
        }.get()
        return (start, times)
    }

    @Test func nothingFiresEarlyWhateverTheOrderOfAdding() async throws {
        let delays: [UInt64] = [30_000_000, 0, 5_000_000, 5_100_000]
        let (start, times) = try await calls(due: delays)
        for (time, delay) in zip(times, delays.sorted()) { #expect(time >= start + delay) }
    }

    @Test func longerThanOneTurnOfTheWheel() async throws {
        let (start, times) = try await calls(due: [1_100_000_000, 76_000_000])
        #expect(times[0] >= start + 76_000_000 && times[0] < start + 1_000_000_000)
        #expect(times[1] >= start + 1_100_000_000)
    }

    @Test func comesAgainWhenAsked() async throws {
        let (start, times) = try await calls(due: [0], again: [3_000_000, 0, 7_000_000])
        #expect(times.count == 4)
        #expect(times[3] >= start + 10_000_000)
    }
}
