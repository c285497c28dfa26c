import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import MartletTools

/// What a client sees when faults come and go by the clock.
@Suite struct MockScheduledFaultTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func start(_ schedule: String) async throws -> MockServer {
        var options = MockOptions()
        options.schedule = try #require(MockSchedule(text: schedule))
        return try await MockServer.start(options, on: group)
    }

    /// The status of `/health`; nil while nothing comes or nobody listens.
    private func health(_ server: MockServer) async -> Int? {
        guard let client = try? await RawClient.connect(server.port, on: group) else { return nil }
        try? await client.send("GET /health HTTP/1.1\r\nconnection: close\r\n\r\n")
        let answer = try? await client.receiveAll().text
        await client.close()
        return answer?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    private func until(_ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while try await !condition() {
            try #require(ContinuousClock.now < end)
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test func faultEndsWithItsPhase() async throws {
        let server = try await start("health=503@0s+1h")
        #expect(await health(server) == 503)
        server.schedule = try #require(MockSchedule(text: "health=503@0s+100ms"))
        try await until { await health(server) == 200 }
        await server.stop()
    }

    @Test func blackHoleSilencesStreamsAndNewRequests() async throws {
        let server = try await start("none")
        let stream = try await RawClient.connect(server.port, on: group)
        let body = #"{"stream":true}"#
        try await stream.send(
            "POST /v1/chat/completions HTTP/1.1\r\nx-mock-tokens: 100\r\nx-mock-id: s\r\n"
                + "content-length: \(body.utf8.count)\r\n\r\n\(body)")
        _ = try await server.wait(for: "s", state: .streaming)
        server.schedule = try #require(MockSchedule(text: "black-hole@0s+1h"))
        let asked = try await RawClient.connect(server.port, on: group)
        try await asked.send("GET /health HTTP/1.1\r\nx-mock-id: h\r\n\r\n")
        _ = try await server.wait(for: "h", state: .waiting)
        let before = server.stats.tokensSent
        try await Task.sleep(for: .milliseconds(200))
        #expect(server.stats.tokensSent == before, "nothing is sent in a black hole")
        server.schedule = MockSchedule()
        // The stream goes on to its end; the request is never answered.
        let heard = try await stream.receive { $0.contains("[DONE]") }
        #expect(heard.text.components(separatedBy: "\"n\":").count == 101)
        #expect(await health(server) == 200)
        #expect(server.record(of: "h")?.state == .waiting)
        await stream.close()
        await server.stop()
        #expect(try await asked.receiveAll().text.isEmpty)
    }

    @Test func closedPortRefusesAndOpensAgain() async throws {
        let server = try await start("refuse@0s+1h")
        try await until { (try? await RawClient.connect(server.port, on: group)) == nil }
        server.schedule = try #require(MockSchedule(text: "refuse@0s+100ms"))
        try await until { await health(server) == 200 }
        await server.stop()
    }

    @Test func closedPortResetsItsConnections() async throws {
        let server = try await start("none")
        let client = try await RawClient.connect(server.port, on: group)
        try await client.send("GET /any HTTP/1.1\r\nx-mock-fault: hang\r\nx-mock-id: a\r\n\r\n")
        _ = try await server.wait(for: "a", state: .waiting)
        server.schedule = try #require(MockSchedule(text: "refuse@0s+50ms"))
        #expect(try await client.receiveAll().end == .reset)
        await server.stop()
    }

    @Test func controlBeginsAScheduleAndEndsIt() async throws {
        let server = try await start("none")
        let client = try await RawClient.connect(server.port, on: group)
        try await client.send("POST /control HTTP/1.1\r\nx-mock-schedule: status:503@0s+1m\r\n\r\n")
        #expect(try await client.receive { $0.hasSuffix("}") }.text.contains("\"schedule\":\"status:503@0s+1m\""))
        try await client.send("GET /a HTTP/1.1\r\n\r\n")
        #expect(try await client.receive { $0.hasSuffix("}}") }.text.contains("HTTP/1.1 503"))
        try await client.send("POST /control HTTP/1.1\r\nx-mock-schedule: none\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
        #expect(try await client.receive { $0.contains("\"/b\"") }.text.contains("\"path\":\"/b\""))
        try await client.send("POST /control HTTP/1.1\r\nx-mock-schedule: never\r\n\r\n")
        #expect(try await client.receive { $0.contains(" 400 ") }.text.contains("HTTP/1.1 400"))
        await client.close()
        await server.stop()
    }

    @Test func everyRequestThatCarriedAnIDIsListed() async throws {
        let server = try await start("none")
        let client = try await RawClient.connect(server.port, on: group)
        for id in ["a", "b", "a"] {
            try await client.send("GET /models HTTP/1.1\r\nx-mock-id: \(id)\r\n\r\n")
        }
        _ = try await client.receive { $0.components(separatedBy: "\"body_hash\"").count == 4 }
        try await client.send("GET /stats?ids=all HTTP/1.1\r\n\r\n")
        let text = try await client.receive { $0.hasSuffix("]}") }.text
        let body = try #require(text.components(separatedBy: "\r\n\r\n").last)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
        let ids = try #require(object["ids"] as? [[String: Any]])
        #expect(ids.compactMap { $0["id"] as? String } == ["a", "b"])
        #expect(ids.compactMap { $0["attempts"] as? Int } == [2, 1])
        #expect(ids.compactMap { $0["completed"] as? Int } == [2, 1])
        await client.close()
        await server.stop()
    }
}
