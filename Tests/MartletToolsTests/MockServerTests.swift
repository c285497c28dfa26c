import Foundation
import MartletBase
import NIOCore
import NIOPosix
import Testing

@testable import MartletTools

/// What a raw client sees of the mock's answers when nothing goes wrong.
@Suite struct MockServerTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func ask(
        _ path: String, body: String = "{}", fields: String = "", version: String = "1.1", method: String = "POST"
    ) -> String {
        """
        \(method) \(path) HTTP/\(version)\r\nhost: mock\r\ncontent-length: \(body.utf8.count)\r\n\(fields)\r\n\(body)
        """
    }

    private func exchange(_ text: String, until enough: @escaping @Sendable (String) -> Bool) async throws -> String {
        let server = try await MockServer.start(on: group)
        let client = try await RawClient.connect(server.port, on: group)
        try await client.send(text)
        let answer = try await client.receive(until: enough)
        await client.close()
        await server.stop()
        return answer.text
    }

    @Test func answerHasTheSizeAskedFor() async throws {
        let text = try await exchange(ask("/v1/chat/completions", fields: "x-mock-size: 2KiB\r\n")) {
            $0.contains("\"total_tokens\":24}}")
        }
        let body = try #require(text.components(separatedBy: "\r\n\r\n").last)
        #expect(text.contains("content-length: 2048\r\n"))
        #expect(body.utf8.count == 2048)
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let text = try await exchange(
            ask("/first", fields: "x-mock-latency: 20ms\r\n") + ask("/v1/models", method: "GET") + ask("/third")
        ) { $0.contains("\"/third\"") }
        let first = try #require(text.range(of: "\"path\":\"/first\""))
        let second = try #require(text.range(of: "\"object\":\"list\""))
        let third = try #require(text.range(of: "\"path\":\"/third\""))
        #expect(first.lowerBound < second.lowerBound && second.lowerBound < third.lowerBound)
    }

    @Test func streamIsNumberedAndEndsWithUsageAndDone() async throws {
        let fields = "x-mock-tokens: 3\r\nx-mock-interval: 1ms\r\n"
        let text = try await exchange(ask("/v1/chat/completions", body: "{\"stream\": true}", fields: fields)) {
            $0.hasSuffix("\r\n0\r\n\r\n")
        }
        for number in 0..<3 { #expect(text.contains("\"n\":\(number) ")) }
        #expect(!text.contains("\"n\":3 "))
        let usage = try #require(text.range(of: "\"completion_tokens\":3"))
        let done = try #require(text.range(of: "data: [DONE]\n\n"))
        #expect(usage.lowerBound < done.lowerBound)
    }

    @Test(arguments: ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/stats", "/a\"b"])
    func everyAnswerIsJSON(path: String) async throws {
        let text = try await exchange(ask(path)) { $0.hasSuffix("}") }
        let body = try #require(text.components(separatedBy: "\r\n\r\n").last)
        #expect(try JSONSerialization.jsonObject(with: Data(body.utf8)) is [String: Any])
    }

    @Test(arguments: ["/v1/chat/completions", "/v1/completions"]) func everyEventIsJSON(path: String) async throws {
        let text = try await exchange(ask(path, body: "{\"stream\":true}", fields: "x-mock-interval: 1ms\r\n")) {
            $0.hasSuffix("\r\n0\r\n\r\n")
        }
        let events = text.components(separatedBy: "data: ").dropFirst().dropLast()
        #expect(events.count == 17)
        for event in events {
            let data = Data(event.components(separatedBy: "\n\n")[0].utf8)
            let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            #expect((object["choices"] as? [Any])?.count == 1)
        }
    }

    @Test func streamWithoutIntervalSendsEveryEvent() async throws {
        let fields = "x-mock-tokens: 1000\r\nx-mock-interval: 0s\r\n"
        let text = try await exchange(ask("/v1/completions", body: "{\"stream\":true}", fields: fields)) {
            $0.hasSuffix("\r\n0\r\n\r\n")
        }
        #expect(text.components(separatedBy: "\"n\":").count == 1001)
        #expect(text.contains("\"n\":999 "))
    }

    @Test func oldClientGetsAStreamWithoutChunks() async throws {
        let server = try await MockServer.start(on: group)
        let client = try await RawClient.connect(server.port, on: group)
        let fields = "x-mock-tokens: 1\r\n"
        try await client.send(ask("/v1/chat/completions", body: "{\"stream\":true}", fields: fields, version: "1.0"))
        let answer = try await client.receiveAll()
        #expect(!answer.text.contains("transfer-encoding"))
        #expect(answer.text.hasSuffix("data: [DONE]\n\n"))
        #expect(answer.end == .closed)
        await server.stop()
    }

    @Test func bodyIsReadInAnyPieces() async throws {
        let server = try await MockServer.start(on: group)
        let client = try await RawClient.connect(server.port, on: group)
        let request =
            "POST /echo HTTP/1.1\r\nhost: mock\r\ntransfer-encoding: chunked\r\n\r\n"
            + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
        for byte in request { try await client.send(String(byte)) }
        let text = try await client.receive { $0.contains("body_hash") && $0.hasSuffix("}") }.text
        #expect(text.contains("\"body_length\":5"))
        #expect(text.contains("\"body_hash\":\"\(BodyHash.of(ByteBuffer(string: "abcde")))\""))
        await client.close()
        await server.stop()
    }

    @Test func embeddingsAnswerEveryInput() async throws {
        let text = try await exchange(ask("/v1/embeddings", body: #"{"input": ["a]", "b\"c", "d"], "model": "m"}"#)) {
            $0.hasSuffix("}}")
        }
        #expect(text.contains("\"index\":2"))
        #expect(!text.contains("\"index\":3"))
    }

    @Test func clientThatLeavesIsCountedAndAwaited() async throws {
        let server = try await MockServer.start(on: group)
        let client = try await RawClient.connect(server.port, on: group)
        let fields = "x-mock-id: leaver\r\nx-mock-fault: stall:2\r\nx-mock-interval: 1ms\r\n"
        try await client.send(ask("/v1/chat/completions", body: "{\"stream\":true}", fields: fields))
        _ = try await client.receive { $0.contains("\"n\":1 ") }
        #expect(server.record(of: "leaver")?.state == .streaming)
        await client.close()
        let record = try await server.wait(for: "leaver", state: .cancelled)
        #expect(record?.tokens == 2)
        #expect(server.stats.cancelled == 1)
        #expect(server.stats.active == 0)
        #expect(server.stats.lastCancelMicroseconds > 0)
        await server.stop()
    }

    @Test func longPollTellsWhenARequestEnds() async throws {
        let server = try await MockServer.start(on: group)
        let watcher = try await RawClient.connect(server.port, on: group)
        try await watcher.send(ask("/wait?id=x&state=cancelled&timeout=5s", method: "GET"))
        let client = try await RawClient.connect(server.port, on: group)
        try await client.send(ask("/any", fields: "x-mock-id: x\r\nx-mock-fault: hang\r\n"))
        _ = try await server.wait(for: "x", state: .waiting)
        await client.close()
        let answer = try await watcher.receive { $0.contains("}") }
        #expect(answer.text.hasPrefix("HTTP/1.1 200"))
        #expect(answer.text.contains("\"state\":\"cancelled\""))
        try await watcher.send(ask("/wait?id=never&timeout=1ms", method: "GET"))
        #expect(try await watcher.receive { $0.contains(" 408 ") }.text.contains(" 408 "))
        await watcher.close()
        await server.stop()
    }

    @Test func controlChangesEveryLaterRequest() async throws {
        let text = try await exchange(
            ask("/control", fields: "x-mock-fault: status:503:7\r\nx-mock-health: 500\r\n") + ask("/v1/models")
                + ask("/health") + ask("/control", fields: "x-mock-fault: none\r\nx-mock-health: 200\r\n")
                + ask("/health")
        ) { $0.contains("{\"status\":\"ok\"}") }
        #expect(text.contains("HTTP/1.1 503 Service Unavailable"))
        #expect(text.contains("retry-after: 7\r\n"))
        #expect(text.contains("HTTP/1.1 500 "))
    }

    @Test func wishThatCannotBeReadIsRefused() async throws {
        let text = try await exchange(ask("/any", fields: "x-mock-latency: soon\r\n")) { $0.contains("}}") }
        #expect(text.hasPrefix("HTTP/1.1 400"))
    }

    @Test func readerThatDoesNotReadIsNotFlooded() async throws {
        let server = try await MockServer.start(on: group)
        let client = try await RawClient.connect(server.port, on: group, reads: false)
        let fields = "x-mock-id: slow\r\nx-mock-tokens: 10000000\r\nx-mock-interval: 0s\r\n"
        try await client.send(ask("/v1/chat/completions", body: "{\"stream\":true}", fields: fields))
        _ = try await server.wait(for: "slow", state: .streaming)
        var before = -1
        while server.stats.tokensSent != before {
            before = server.stats.tokensSent
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(before > 0 && before < 1_000_000)
        await client.close()
        #expect(try await server.wait(for: "slow", state: .cancelled) != nil)
        await server.stop()
    }
}
