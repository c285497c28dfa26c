import Logging
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import NIOPosix
import Testing

@testable import MartletTasks

/// A client on a broker of another version of Martlet.
@Suite(.timeLimit(.minutes(1))) struct OtherVersionTests {
    private func client(
        of live: LiveBroker, version: Int, _ log: LogLines, _ change: (inout TaskBrokerTimes) -> Void = { _ in }
    ) -> TaskBroker {
        var times = TaskBrokerTimes()
        times.outage = .seconds(1)
        change(&times)
        return TaskBroker(
            live.url, on: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test") { _ in log },
            times: times, scripts: [ScriptHeader(name: "take", version: version).line + "return {}"])
    }

    private func connections(_ broker: TaskBroker) async throws -> Int {
        let text = try await broker.say("INFO stats").string ?? ""
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("total_connections_received:") }
        return try #require(line.flatMap { Int($0.split(separator: ":").last ?? "") })
    }

    @Test(
        "says once what is to be upgraded, and waits for that",
        arguments: [(-1, "upgrade the worker"), (1, "upgrade the broker")])
    func remedy(difference: Int, remedy: String) async throws {
        try await LiveBroker.run { live in
            let (log, watcher) = (LogLines(), live.client())
            let other = client(of: live, version: OwnScript.take.version + difference, log)
            let before = try await connections(watcher)
            // A machine that starts two hundred tests at once may take its time to connect.
            while log.all.isEmpty { _ = try? await other.take([QueueList(queue: "q")], count: 1) }
            for _ in 1...2 {
                await #expect { try await other.take([QueueList(queue: "q")], count: 1) } throws: { error in
                    guard let error = error as? RedisError else { return false }
                    return error.isOtherVersion && error.text.contains(remedy)
                }
            }
            #expect(log.all == ["the broker is of another version"])
            #expect(try await connections(watcher) == before + 1)
            await other.close()
            await watcher.close()
        }
    }

    @Test("asks again after a while")
    func again() async throws {
        try await LiveBroker.run { live in
            let (log, watcher) = (LogLines(), live.client())
            let other = client(of: live, version: 99, log) { $0.versionPause = .milliseconds(1) }
            let before = try await connections(watcher)
            while try await connections(watcher) < before + 3 {
                _ = try? await other.take([QueueList(queue: "q")], count: 1)
            }
            #expect(log.all == ["the broker is of another version"])
            await other.close()
            await watcher.close()
        }
    }
}
