import Foundation
import MartletLogic
import MartletNet
import MartletWire
@testable import MartletTasks
import Testing


@Suite struct BrokerBackupTests {
    @Test func aBackupOfARunningBrokerStartsAnotherOne() async throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "martlet-backup-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        var data = ""
        try await LiveBroker.run({ data = $0.folder }) { broker in
            let client = broker.client()
            try await client.publish([("q", "q", message("a")), ("q", "q", message("b"))])
            try await client.publish([("q", "q", message("later", eta: "\"2126-01-01T00:00:00+00:00\""))])
            _ = try await client.say("SET celery-task-meta-1 x")
            let contents = try BrokerBackup.make(of: data, "b", in: place)
            #expect(contents.messages == 3 && contents.deadLetters == 0 && contents.keys > 2)
            _ = try await client.say("DEL q")
            await client.close()
        }
        #expect(try BrokerBackup.restore("b", in: place, to: place + "/data").messages == 3)
        try await LiveBroker.run({ $0.folder = place + "/data" }) { broker in
            let client = broker.client()
            let waiting = try await client.say("LLEN q")
            let held = try await client.say("MARTLET HELD").elements.last
            let result = try await client.say("GET celery-task-meta-1")
            #expect(waiting == .integer(2) && held == .integer(1) && result == .bulk("x"))
            await client.close()
        }
    }

    @Test func figuresTellOfQueuesAndOfTheJournal() async throws {
        try await LiveBroker.run { broker in
            let client = broker.client()
            try await client.publish([("q", "q", message("a"))])
            let figures = try await broker.server.figures()
            #expect(figures.reading.queues.first { $0.name == "q" }?.ready == 1)
            #expect(figures.records > 0 && figures.bytes > 0)
            #expect(figures.syncBuckets.reduce(0, +) > 0 && figures.syncBuckets.count == figures.syncBounds.count + 1)
            await client.close()
        }
    }
}
