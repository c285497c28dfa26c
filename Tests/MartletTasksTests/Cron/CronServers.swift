import Foundation
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

@testable import MartletTasks

/// A clock that goes when it is told to.
final class HandClock: Sendable {
    private let seconds = Mutex(0.0)

    /// 20 s past a full minute, long ago.
    static let start: Int64 = 1_700_000_000_000

    func go(_ more: Double) { seconds.withLock { $0 += more } }

    func now() -> TaskTime {
        let milliseconds = Int64(seconds.withLock { $0 } * 1000)
        let start = Instant(nanoseconds: 1_000_000_000_000)
        return TaskTime(start + .milliseconds(milliseconds), wall: Self.start + milliseconds)
    }
}

/// Servers with the same entries before one broker.
struct Servers {
    let clock = HandClock()
    let broker: TaskBroker

    func driver(_ name: String, _ task: CronTask = Servers.task()) -> CronDriver {
        let desk = TaskDesk(broker: broker, logger: LiveBroker.quiet)
        return CronDriver([task], desk: desk, name: name, now: clock.now())
    }

    static func task(_ catchUp: CatchUp = .once, every seconds: Int64 = 60) -> CronTask {
        var submission = TaskSubmission(name: "tasks.tick")
        submission.arguments = [1]
        submission.queue = "q"
        var task = CronTask("e", .every(seconds * 1000), text: "\(seconds)s", submission: submission)
        task.catchUp = catchUp
        return task
    }

    /// So many seconds pass, in which they do their work.
    func pass(_ seconds: Int, _ drivers: CronDriver...) async {
        for _ in 0..<(seconds / 4) {
            clock.go(4)
            for driver in drivers { await driver.turn(clock.now) }
        }
    }

    /// The ids of what lies on the queue, the earliest first.
    func sent() async throws -> [String] {
        let messages = try await broker.say("LRANGE q 0 -1").elements
        return messages.reversed().compactMap { $0.bytes.flatMap { WaitingTask($0) }?.id }
    }

    /// As if the lease's time were over: the broker's clock is not ours.
    func endLease() async throws {
        _ = try await broker.say("DEL \(CronBook.leaseKey)")
    }

    func id(_ seconds: Double) -> String { "cron-e-\(HandClock.start + Int64(seconds * 1000))" }

    static func onMartlet(_ body: (Servers) async throws -> Void) async throws {
        try await LiveBroker.run { live in
            let broker = live.client { ($0.connect, $0.outage) = (.seconds(60), .seconds(60)) }
            do { try await body(Servers(broker: broker)) } catch {
                await broker.close()
                throw error
            }
            await broker.close()
        }
    }

    static func onRedis(_ body: (Servers) async throws -> Void) async throws {
        try await RedisServer.run { server in
            let broker = TaskBroker.test(server.url) { ($0.connect, $0.outage) = (.seconds(60), .seconds(60)) }
            do { try await body(Servers(broker: broker)) } catch {
                await broker.close()
                throw error
            }
            await broker.close()
        }
    }
}
