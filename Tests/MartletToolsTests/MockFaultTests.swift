import Foundation
import MartletBase
import NIOCore
import NIOPosix
import Testing

@testable import MartletTools

/// Every fault as a raw client sees it.
@Suite struct MockFaultTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func provoke(
        _ fault: String, stream: Bool, until enough: @escaping @Sendable (String) -> Bool = { _ in false }
    ) async throws -> (text: String, end: RawClient.End, stats: MockStats) {
        var options = MockOptions()
        options.behaviour.fault = try #require(MockFault(text: fault))
        options.behaviour.tokens = 4
        options.behaviour.interval = .milliseconds(2)
        let server = try await MockServer.start(options, on: group)
        let client = try await RawClient.connect(server.port, on: group)
        let body = stream ? "{\"stream\":true}" : "{}"
        try await client.send(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: m\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
        let answer = try await client.receive(until: enough)
        let stats = server.stats
        await client.close()
        await server.stop()
        return (answer.text, answer.end, stats)
    }

    private func events(_ text: String) -> Int {
        text.components(separatedBy: "\"n\":").count - 1
    }

    private func body(_ text: String) -> String {
        text.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n")
    }

    @Test(arguments: [false, true]) func status(stream: Bool) async throws {
        let seen = try await provoke("status:429:3", stream: stream) { $0.hasSuffix("}}") }
        #expect(seen.text.hasPrefix("HTTP/1.1 429 "))
        #expect(seen.text.contains("retry-after: 3\r\n"))
        #expect(seen.end == .open)
    }

    @Test(arguments: [false, true]) func reset(stream: Bool) async throws {
        let seen = try await provoke("reset", stream: stream)
        #expect(seen.text.isEmpty)
        #expect(seen.end == .reset)
        #expect(seen.stats.failed == 1 && seen.stats.cancelled == 0)
    }

    @Test func closeBeforeTheHead() async throws {
        let seen = try await provoke("close", stream: true)
        #expect(seen.text.isEmpty)
        #expect(seen.end == .closed)
    }

    @Test func resetInMidStream() async throws {
        let seen = try await provoke("reset-mid:2", stream: true)
        #expect(events(seen.text) == 2)
        #expect(seen.end == .reset)
        #expect(seen.stats.failed == 1 && seen.stats.cancelled == 0)
    }

    @Test func resetInMidBody() async throws {
        let seen = try await provoke("reset-mid", stream: false)
        #expect(seen.text.contains("content-length: 1024\r\n"))
        #expect(body(seen.text).utf8.count == 512)
        #expect(seen.end == .reset)
    }

    @Test func closeInMidStream() async throws {
        let seen = try await provoke("close-mid:3", stream: true)
        #expect(events(seen.text) == 3)
        #expect(!seen.text.hasSuffix("0\r\n\r\n"))
        #expect(seen.end == .closed)
    }

    @Test(arguments: ["short", "close-mid"]) func bodyShorterThanAnnounced(fault: String) async throws {
        let seen = try await provoke(fault, stream: false)
        #expect(seen.text.contains("content-length: 1024\r\n"))
        #expect(body(seen.text).utf8.count == 512)
        #expect(seen.end == .closed)
    }

    @Test func hang() async throws {
        let server = try await MockServer.start(on: group)
        let client = try await RawClient.connect(server.port, on: group)
        try await client.send("GET /any HTTP/1.1\r\nx-mock-fault: hang\r\nx-mock-id: h\r\n\r\n")
        _ = try await server.wait(for: "h", state: .waiting)
        #expect(server.stats.active == 1 && server.stats.completed == 0)
        await server.stop()
        // It never answered: the first thing the client hears is the end.
        #expect(try await client.receiveAll().text.isEmpty)
    }

    @Test func stallInMidStream() async throws {
        let seen = try await provoke("stall:2", stream: true) { $0.contains("\"n\":1 ") }
        #expect(events(seen.text) == 2)
        #expect(seen.end == .open)
        #expect(seen.stats.active == 1)
    }

    @Test func garbage() async throws {
        let seen = try await provoke("garbage", stream: false)
        #expect(!seen.text.hasPrefix("HTTP/"))
        #expect(seen.end == .closed)
    }

    @Test func halfAnEvent() async throws {
        let seen = try await provoke("half-event:2", stream: true)
        #expect(events(seen.text) == 2)
        #expect(seen.text.components(separatedBy: "data: ").count == 4)
        #expect(!seen.text.hasSuffix("\n"))
        #expect(seen.end == .closed)
    }

    @Test func streamWithoutDone() async throws {
        let seen = try await provoke("no-done", stream: true) { $0.hasSuffix("\r\n0\r\n\r\n") }
        #expect(events(seen.text) == 4)
        #expect(!seen.text.contains("[DONE]"))
    }

    @Test func eventAfterDone() async throws {
        let seen = try await provoke("after-done", stream: true) { $0.hasSuffix("\r\n0\r\n\r\n") }
        #expect(seen.text.components(separatedBy: "[DONE]").last?.contains("data: {") == true)
    }

    @Test func errorEvent() async throws {
        let seen = try await provoke("error-event:1", stream: true) { $0.hasSuffix("\r\n0\r\n\r\n") }
        #expect(events(seen.text) == 1)
        #expect(seen.text.contains("data: {\"error\":"))
    }

    @Test func dripLosesNothing() async throws {
        let seen = try await provoke("drip", stream: true) { $0.hasSuffix("\r\n0\r\n\r\n") }
        #expect(events(seen.text) == 4)
        #expect(seen.text.contains("[DONE]"))
    }

    @Test func informationalHeadsComeFirst() async throws {
        let seen = try await provoke("informational:3", stream: false) { $0.contains("\"total_tokens\":24}}") }
        #expect(seen.text.components(separatedBy: "HTTP/1.1 103").count == 4)
        #expect(seen.text.contains("HTTP/1.1 200 OK"))
    }

    @Test func pageInsteadOfEvents() async throws {
        let seen = try await provoke("html", stream: true) { $0.hasSuffix("</html>") }
        #expect(seen.text.contains("content-type: text/html"))
    }

    @Test func trailers() async throws {
        let seen = try await provoke("trailers", stream: true) { $0.hasSuffix("x-mock-trailer: 1\r\n\r\n") }
        #expect(seen.text.contains("\r\n0\r\nx-mock-trailer"))
    }

    @Test func answerNobodyAskedFor() async throws {
        let seen = try await provoke("extra", stream: false) { $0.components(separatedBy: "HTTP/1.1 200").count == 3 }
        #expect(seen.end == .open)
    }

    @Test func answerBeforeTheBody() async throws {
        let server = try await MockServer.start(on: group)
        let client = try await RawClient.connect(server.port, on: group)
        try await client.send("POST /any HTTP/1.1\r\ncontent-length: 10\r\nx-mock-fault: early\r\n\r\nabc")
        let answer = try await client.receiveAll()
        #expect(answer.text.hasPrefix("HTTP/1.1 413"))
        #expect(answer.end == .closed)
        await server.stop()
    }

    @Test func slowAcceptTakesOneConnectionAtATime() async throws {
        var options = MockOptions()
        options.slowAccept = .milliseconds(100)
        let server = try await MockServer.start(options, on: group)
        let began = monotonicNanoseconds()
        for _ in 0..<2 {
            let client = try await RawClient.connect(server.port, on: group)
            try await client.send("GET /health HTTP/1.1\r\n\r\n")
            _ = try await client.receive { $0.hasSuffix("}") }
            await client.close()
        }
        #expect(monotonicNanoseconds() - began >= 190_000_000)
        await server.stop()
    }

    @Test(arguments: ["", "what", "status", "status:99", "stall:x", "stall:-1", "stall:1:2", "hang:1", "none:"])
    func wordsThatAreNoFault(text: String) {
        #expect(MockFault(text: text) == nil)
    }
}
