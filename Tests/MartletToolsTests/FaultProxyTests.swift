import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import MartletTools

/// The fault proxy between a raw client and a mock, with real sockets.
@Suite struct FaultProxyTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func withProxy(
        _ faults: Faults = Faults(), receiveBuffer: Int? = nil,
        _ body: (FaultProxy, MockServer) async throws -> Void
    ) async throws {
        let server = try await MockServer.start(on: group)
        let proxy = try await FaultProxy.start(
            target: server.port, faults: faults, receiveBuffer: receiveBuffer, on: group)
        try await body(proxy, server)
        await proxy.stop()
        await server.stop()
    }

    private func stream(_ tokens: Int, interval: String = "5ms", id: String = "s") -> String {
        let body = #"{"stream":true}"#
        return "POST /v1/chat/completions HTTP/1.1\r\nhost: m\r\nx-mock-id: \(id)\r\nx-mock-tokens: \(tokens)\r\n"
            + "x-mock-interval: \(interval)\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func bytesPassUnchangedHoweverTheyAreCutAndDelayed() async throws {
        var faults = Faults()
        faults.toTarget.slice = 7
        faults.toTarget.jitter = .milliseconds(3)
        faults.toClient.slice = 1
        faults.toClient.delay = .milliseconds(5)
        faults.toClient.jitter = .milliseconds(5)
        try await withProxy(faults) { proxy, _ in
            let client = try await RawClient.connect(proxy.port, on: group)
            let body = String((0..<20_000).map { _ in Character(Unicode.Scalar(UInt8.random(in: 32...126))) })
            try await client.send("POST /echo HTTP/1.1\r\ncontent-length: 20000\r\n\r\n" + body)
            let echo = try await client.receive { $0.contains("body_hash") && $0.hasSuffix("}") }.text
            #expect(echo.contains("\"body_hash\":\"\(BodyHash.of(ByteBuffer(string: body)))\""))
            #expect(proxy.stats.bytesToClient == echo.utf8.count)
            await client.close()
        }
    }

    @Test func everyByteIsDelayed() async throws {
        var faults = Faults()
        faults.toTarget.delay = .milliseconds(60)
        faults.toClient.delay = .milliseconds(40)
        try await withProxy(faults) { proxy, _ in
            let client = try await RawClient.connect(proxy.port, on: group)
            let began = ContinuousClock.now
            try await client.send("GET /health HTTP/1.1\r\n\r\n")
            _ = try await client.receive { $0.hasSuffix("}") }
            #expect(ContinuousClock.now - began >= .milliseconds(100))
            await client.close()
        }
    }

    @Test(arguments: [(Faults.End.close, RawClient.End.closed), (.reset, .reset)])
    func answerIsCutAfterSoManyBytes(how: Faults.End, end: RawClient.End) async throws {
        var faults = Faults()
        faults.toClient.cutAfter = 1000
        faults.toClient.cutsWith = how
        try await withProxy(faults) { proxy, server in
            let client = try await RawClient.connect(proxy.port, on: group)
            try await client.send(stream(1000))
            let heard = try await client.receiveAll()
            #expect(heard.text.utf8.count == 1000)
            #expect(heard.end == end)
            #expect(try await server.wait(for: "s", state: .cancelled) != nil)
            #expect(proxy.stats.open == 0)
        }
    }

    @Test func halfOpenConnectionIsSilentAndGoesOnLater() async throws {
        try await withProxy { proxy, server in
            let client = try await RawClient.connect(proxy.port, on: group)
            try await client.send(stream(100))
            _ = try await client.receive { $0.contains("\"n\":3 ") }
            proxy.faults.isHalfOpen = true
            _ = try await server.wait(for: "s", state: .completed)
            let before = proxy.stats
            try await Task.sleep(for: .milliseconds(50))
            #expect(proxy.stats == before && before.open == 1, "nothing passes, and nothing is closed")
            proxy.faults.isHalfOpen = false
            let heard = try await client.receive { $0.contains("[DONE]") }
            #expect(heard.text.components(separatedBy: "\"n\":").count == 101)
            #expect(heard.end == .open)
            await client.close()
        }
    }

    @Test func backendNeverLearnsThatAHalfOpenClientLeft() async throws {
        try await withProxy { proxy, server in
            let client = try await RawClient.connect(proxy.port, on: group)
            try await client.send(stream(10_000, interval: "20ms"))
            _ = try await client.receive { $0.contains("\"n\":1 ") }
            proxy.faults.isHalfOpen = true
            // The setting reaches the connection before what the client does next.
            try await group.next().submit {}.get()
            await client.close()
            #expect(try await server.wait(for: "s", state: .cancelled, timeout: .milliseconds(300)) == nil)
            proxy.faults.isHalfOpen = false
            #expect(try await server.wait(for: "s", state: .cancelled) != nil)
        }
    }

    @Test func swallowedConnectionsAreTakenAndNeverAnswered() async throws {
        try await withProxy { proxy, server in
            proxy.faults.swallowsConnections = true
            let lost = try await RawClient.connect(proxy.port, on: group)
            try await lost.send("GET /health HTTP/1.1\r\n\r\n")
            while proxy.stats.swallowed == 0 { try await Task.sleep(for: .milliseconds(5)) }
            proxy.faults.swallowsConnections = false
            let client = try await RawClient.connect(proxy.port, on: group)
            try await client.send("GET /health HTTP/1.1\r\n\r\n")
            _ = try await client.receive { $0.hasSuffix("}") }
            #expect(server.stats.requests == 1)
            #expect(proxy.stats.connections == 2 && proxy.stats.open == 2)
            await proxy.cut(.close)
            #expect(try await lost.receiveAll().text.isEmpty)
            await client.close()
        }
    }

    @Test func endsPassThrough() async throws {
        try await withProxy { proxy, server in
            let leaver = try await RawClient.connect(proxy.port, on: group)
            try await leaver.send(stream(10_000, id: "left"))
            _ = try await server.wait(for: "left", state: .streaming)
            await leaver.close()
            #expect(try await server.wait(for: "left", state: .cancelled) != nil)
            let client = try await RawClient.connect(proxy.port, on: group)
            try await client.send("GET /a HTTP/1.1\r\nx-mock-fault: reset\r\n\r\n")
            #expect(try await client.receiveAll().end == .reset)
            let other = try await RawClient.connect(proxy.port, on: group)
            try await other.send("GET /a HTTP/1.1\r\nx-mock-fault: close\r\n\r\n")
            #expect(try await other.receiveAll().end == .closed)
            while proxy.stats.open > 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test(arguments: [(Faults.End.close, RawClient.End.closed), (.reset, .reset)])
    func everythingIsCutAtOnce(how: Faults.End, end: RawClient.End) async throws {
        try await withProxy { proxy, server in
            let client = try await RawClient.connect(proxy.port, on: group)
            try await client.send("GET /a HTTP/1.1\r\nx-mock-fault: hang\r\nx-mock-id: h\r\n\r\n")
            _ = try await server.wait(for: "h", state: .waiting)
            await proxy.cut(how)
            #expect(try await client.receiveAll().end == end)
            #expect(try await server.wait(for: "h", state: .cancelled) != nil)
        }
    }

    @Test func targetThatRefusesResetsTheClient() async throws {
        let proxy = try await FaultProxy.start(target: 1, on: group)
        // The reset may come so soon that connecting already meets it.
        if let client = try? await RawClient.connect(proxy.port, on: group) {
            #expect(try await client.receiveAll().end == .reset)
        }
        while proxy.stats.open > 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(proxy.stats.connections == 1)
        await proxy.stop()
    }

    @Test func bandwidthHoldsALargeBodyBack() async throws {
        var faults = Faults()
        faults.toClient.bandwidth = 200_000
        try await withProxy(faults) { proxy, _ in
            let client = try await RawClient.connect(proxy.port, on: group)
            let began = ContinuousClock.now
            try await client.send(
                "POST /v1/chat/completions HTTP/1.1\r\nx-mock-size: 60000\r\ncontent-length: 2\r\n\r\n{}")
            _ = try await client.receive { $0.utf8.count > 60_000 }
            #expect(ContinuousClock.now - began >= .milliseconds(280))
            await client.close()
        }
    }
}
