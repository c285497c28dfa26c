import MartletTools
import NIOCore
import NIOPosix
import Testing

/// The gateway between networks that delay, cut and lose.
@Suite(.serialized, .timeLimit(.minutes(2))) struct BadNetworkTests {
    /// Everything arrives in single bytes, late and unevenly, in both directions.
    private static var crumbs: Faults {
        var faults = Faults()
        faults.toTarget.slice = 1
        faults.toTarget.jitter = .milliseconds(5)
        faults.toClient.slice = 1
        faults.toClient.delay = .milliseconds(5)
        faults.toClient.jitter = .milliseconds(10)
        return faults
    }

    @Test func bodiesPassByteForByteInCrumbs() async throws {
        let words = String((0..<8000).map { _ in Character(Unicode.Scalar(UInt8.random(in: 32...126))) })
        let reply = String(words.reversed())
        try await withBackend { _, _ in .ok(reply) } body: { backend in
            try await withFaults(before: backend.port) { place in
                (place.front.faults, place.back.faults) = (Self.crumbs, Self.crumbs)
                let answer = try await place.ask("POST", "/x", body: words).expect(200)
                #expect(answer.body == reply && answer.isComplete)
                #expect(backend.requests.map(\.body) == [words])
                #expect(place.back.stats.bytesToClient > reply.utf8.count, "the answer took the long way")
            }
        }
    }

    @Test func eventStreamsPassByteForByteInCrumbs() async throws {
        let events = (0..<40).map { "event: e\($0)\ndata: {\"n\":\($0)}\ndata: fünf\n\n" }.joined()
            + ": a comment\n\ndata: [DONE]\n\n"
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        let stream = head + String(events.utf8.count, radix: 16) + "\r\n" + events + "\r\n0\r\n\r\n"
        try await withBackend { _, _ in .bytes(stream) } body: { backend in
            try await withFaults(before: backend.port) { place in
                (place.front.faults, place.back.faults) = (Self.crumbs, Self.crumbs)
                let answer = try await place.ask("GET", "/events").expect(200)
                #expect(answer.body == events && answer.isComplete)
            }
        }
    }

    @Test(arguments: [Faults.End.close, .reset])
    func streamThatIsCutSaysSo(how: Faults.End) async throws {
        try await withMocks(1) { mocks in
            try await withFaults(before: mocks[0].port) { place in
                place.back.faults.toClient.cutAfter = 1500
                place.back.faults.toClient.cutsWith = how
                let answer = try await place.stream(headers: ["x-mock-tokens: 1000", "x-mock-id: cut"]).expect(200)
                #expect(!answer.isComplete, "a broken stream must not look whole")
                #expect(answer.events.last?.contains("\"error\"") == true, "\(answer.events.last ?? "nothing")")
                #expect(!answer.events.contains("[DONE]"))
                #expect(try await mocks[0].wait(for: "cut", state: .cancelled) != nil)
            }
        }
    }

    @Test(arguments: [Faults.End.close, .reset])
    func bodyThatIsCutIsNotWhole(how: Faults.End) async throws {
        try await withMocks(1) { mocks in
            try await withFaults(before: mocks[0].port) { place in
                place.back.faults.toClient.cutAfter = 1500
                place.back.faults.toClient.cutsWith = how
                let answer = try await place.ask(
                    "POST", "/v1/completions", headers: ["x-mock-size: 4000"], body: "{\"model\":\"m\"}")
                #expect(answer.status == 200 && !answer.isComplete)
                #expect(answer.body.utf8.count < 4000)
            }
        }
    }

    @Test func targetThatFallsSilentInMidStreamEndsByTheIdleTimeout() async throws {
        try await withMocks(1) { mocks in
            try await withFaults(before: mocks[0].port, "timeouts: {idle: 500ms}") { place in
                let client = try await Peer.connect(place.front.port)
                try await client.send(
                    Client.request(
                        "POST", "/v1/chat/completions", headers: ["x-mock-tokens: 10000", "x-mock-id: lost"],
                        body: MartletProcess.chatBody(stream: true)))
                _ = try await client.receive(.text("\"n\":2 "))
                place.back.faults.isHalfOpen = true
                let heard = try await client.receive(.end)
                #expect(heard.text.contains(#""code":"idle_timeout""#))
                #expect(!heard.text.hasSuffix("0\r\n\r\n"), "a broken stream must not look whole")
                // The target learns of it as soon as the network lets it.
                place.back.faults.isHalfOpen = false
                #expect(try await mocks[0].wait(for: "lost", state: .cancelled) != nil)
                await client.close()
            }
        }
    }

    @Test func targetBehindADeadNetworkIsNotWaitedForLongerThanAsked() async throws {
        try await withMocks(1) { mocks in
            try await withFaults(before: mocks[0].port, "timeouts: {first_byte: 400ms}") { place in
                place.back.faults.isHalfOpen = true
                try await place.ask("GET", "/x").expect(504, "first_byte_timeout")
                place.back.faults = Faults()
                place.back.faults.swallowsConnections = true
                try await place.ask("GET", "/x").expect(504, "first_byte_timeout")
                place.back.faults = Faults()
                try await place.ask("GET", "/x").expect(200)
            }
        }
    }

    @Test func clientThatVanishesIsNoticedAndItsWorkCalledOff() async throws {
        var options = MockOptions()
        options.behaviour.tokens = 100_000_000
        options.behaviour.interval = .zero
        try await withMocks(1, options) { mocks in
            try await withFaults(
                before: mocks[0].port, more: "limits: {slow_reader: 1s}", receiveBuffer: 8192
            ) { place in
                let client = try await Client.connect(place.front.port)
                try await client.send(
                    Client.request(
                        "POST", "/v1/chat/completions", headers: ["x-mock-id: gone"],
                        body: MartletProcess.chatBody(stream: true)))
                #expect(try await mocks[0].wait(for: "gone", state: .streaming) != nil)
                place.front.faults.isHalfOpen = true
                // Neither FIN nor RST comes: only that nothing is taken any more.
                let record = try await mocks[0].wait(for: "gone", state: .cancelled, timeout: .seconds(20))
                #expect(record != nil)
                let status = try await place.martlet.status()
                #expect(status.target(place.back.port)?.failures == [:], "the target is not to blame")
                await client.close()
            }
        }
    }

    @Test(arguments: [Faults.End.close, .reset])
    func clientCutOffByTheNetworkIsALeaver(how: Faults.End) async throws {
        try await withMocks(1) { mocks in
            try await withFaults(before: mocks[0].port) { place in
                let client = try await Client.connect(place.front.port)
                try await client.send(
                    Client.request("GET", "/x", headers: ["x-mock-fault: hang", "x-mock-id: cut"]))
                #expect(try await mocks[0].wait(for: "cut", state: .waiting) != nil)
                await place.front.cut(how)
                #expect(try await mocks[0].wait(for: "cut", state: .cancelled) != nil)
                #expect(try await place.martlet.metrics().sum("martlet_cancelled_total") == 1)
                await client.close()
            }
        }
    }
}
