import Foundation
import MartletTools
import NIOCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Told to stop, a gateway finishes what it began and takes nothing new.
@Suite(.serialized, .timeLimit(.minutes(1))) struct DrainTests {
    private static func serving(_ mocks: [MockServer], _ limits: String = "") -> String {
        "limits: {\(limits)}\n" + onePool(mocks.targets())
    }

    /// A gateway that `body` tells to stop; ended in any case.
    private static func stopping(_ configuration: String, body: (MartletProcess) async throws -> Void) async throws {
        let martlet = try await MartletProcess.start(configuration)
        do {
            try await body(martlet)
            try await until("the process to end") { !martlet.isRunning }
            await martlet.stop()
        } catch {
            await martlet.stop()
            throw error
        }
    }

    @Test func RequestsInFlightFinishAndNothingNewIsTaken() async throws {
        try await withMocks(1) { mocks in
            try await Self.stopping(Self.serving(mocks)) { martlet in
                let idle = try await Peer.connect(martlet.publicPort)
                try await idle.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                _ = try await idle.receive(.text("\r\n\r\n"))
                async let stream = martlet.chat(
                    stream: true, headers: ["x-mock-tokens: 20", "x-mock-interval: 50ms", "x-mock-id: long"])
                _ = try await mocks[0].wait(for: "long", state: .streaming)
                kill(martlet.processID, SIGTERM)
                // Its connection is closed without waiting for the stream.
                #expect(try await idle.receive(.end).end == .closed)
                try await until("new connections to be refused") {
                    (try? await martlet.peer()) == nil
                }
                let ready = try await Client.ask("GET", "/readyz", port: martlet.consolePort)
                #expect(ready.status == 503)
                #expect(ready.body.contains("draining"))
                let answer = try await stream
                #expect(answer.events.last == "[DONE]")
                #expect(answer.isComplete)
                try await until("the process to end") { !martlet.isRunning }
                #expect(martlet.exitStatus == 0)
            }
        }
    }

    @Test func WhatASlowReaderHasNotTakenIsNotLost() async throws {
        try await withMocks(1) { mocks in
            try await Self.stopping(Self.serving(mocks)) { martlet in
                let client = try await Peer.connect(martlet.publicPort, receiveBuffer: 4096, reads: false)
                let size = 12 << 20
                let body = MartletProcess.chatBody()
                try await client.send(
                    "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n"
                        + "x-mock-size: \(size)\r\nx-mock-id: big\r\n\r\n\(body)")
                _ = try await mocks[0].wait(for: "big", state: .waiting)
                kill(martlet.processID, SIGTERM)
                try await until("the drain to begin") { martlet.log().contains("draining") }
                try await client.setReading(true)
                let heard = try await client.receive(.end, within: .seconds(20))
                #expect(heard.end == .closed)
                let head = try #require(heard.bytes.readableBytesView.firstRange(of: "\r\n\r\n".utf8))
                #expect(heard.bytes.readableBytesView.suffix(from: head.upperBound).count == size)
            }
        }
    }

    @Test func WhatIsLeftAtTheEndIsTold() async throws {
        try await withMocks(1) { mocks in
            try await Self.stopping(Self.serving(mocks, "drain: 300ms")) { martlet in
                async let stream = martlet.chat(
                    stream: true, headers: ["x-mock-tokens: 1000", "x-mock-interval: 50ms", "x-mock-id: endless"])
                async let waiting = martlet.get(headers: ["x-mock-fault: hang", "x-mock-id: silent"])
                _ = try await mocks[0].wait(for: "endless", state: .streaming)
                _ = try await mocks[0].wait(for: "silent", state: .waiting)
                kill(martlet.processID, SIGTERM)
                let broken = try await stream
                #expect(!broken.isComplete)
                #expect(broken.events.last?.contains(#""code":"shutting_down""#) == true)
                try await waiting.expect(503, "shutting_down")
                #expect(try await mocks[0].wait(for: "endless", state: .cancelled) != nil, "the work is called off")
                try await until("the process to end") { !martlet.isRunning }
                #expect(!martlet.log().contains("max_fails"), "nobody is to blame")
            }
        }
    }

    @Test func ASignalRightAfterTheStartIsHeard() async throws {
        for _ in 0..<10 {
            try await Self.stopping(onePool(["http://127.0.0.1:1"])) { martlet in
                kill(martlet.processID, SIGTERM)
                try await until("the process to end") { !martlet.isRunning }
                #expect(martlet.exitStatus == 0)
            }
        }
    }

    /// As `killall martlet` does it. The parent passes its own on to the child.
    @Test(arguments: [true, false]) func OneSignalToParentAndChildIsOne(isParentFirst: Bool) async throws {
        try await withMocks(1) { mocks in
            try await Self.stopping(Self.serving(mocks)) { martlet in
                async let stream = martlet.chat(
                    stream: true, headers: ["x-mock-tokens: 12", "x-mock-interval: 50ms", "x-mock-id: long"])
                _ = try await mocks[0].wait(for: "long", state: .streaming)
                let both = [martlet.processID, try martlet.servingID]
                kill(both[isParentFirst ? 0 : 1], SIGTERM)
                try await until("the drain to begin") { martlet.log().contains("draining") }
                kill(both[isParentFirst ? 1 : 0], SIGTERM)
                let answer = try await stream
                #expect(answer.events.last == "[DONE]")
                #expect(answer.isComplete)
            }
        }
    }

    @Test func ASecondSignalEndsTheWait() async throws {
        try await withMocks(1) { mocks in
            try await Self.stopping(Self.serving(mocks)) { martlet in
                async let stream = martlet.chat(
                    stream: true, headers: ["x-mock-tokens: 1000", "x-mock-interval: 50ms", "x-mock-id: endless"])
                _ = try await mocks[0].wait(for: "endless", state: .streaming)
                kill(martlet.processID, SIGINT)
                try await until("the drain to begin") { martlet.log().contains("draining") }
                // Sooner, the two would be one.
                try await Task.sleep(for: .milliseconds(300))
                kill(martlet.processID, SIGINT)
                #expect(try await stream.events.last?.contains("shutting_down") == true)
            }
        }
    }

    /// Nobody is connected: what takes its time are the backends, which get theirs at the first signal only.
    @Test func ASecondSignalEndsBackendsToo() async throws {
        let command = "[sh, -c, \"trap '' TERM; \(try Repository.binary.path) mock --port {port}\"]"
        let configuration = onePool(
            ["{backend: m}"], more: "backends:\n  m:\n    command: \(command)\n    grace: 60s\n")
        try await Self.stopping(configuration) { martlet in
            try await martlet.awaitBackends(1)
            kill(martlet.processID, SIGTERM)
            try await until("the backend to be told") {
                try await martlet.status().backends.first?.state == "stopping"
            }
            try await Task.sleep(for: .milliseconds(300))
            #expect(martlet.isRunning)
            kill(martlet.processID, SIGTERM)
            try await until("the process to end", within: .seconds(10)) { !martlet.isRunning }
            #expect(martlet.exitStatus == 0, "by itself, not by the signal")
        }
    }
}
