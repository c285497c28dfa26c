import MartletBase
import MartletWire
import NIOCore
import Testing

@testable import MartletNet

@Suite(.timeLimit(.minutes(1))) struct HTTPClientStreamingTests {
    @Test func handsThePiecesOverWhileTheReplyGoesOn() async throws {
        // The reply never ends: only a piece that is handed over at once can be seen.
        let server = try await ScriptedServer.start(.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n"))
        let (status, piece) = try await withClient { client in
            try await client.exchange(.get, server.url(), silence: .seconds(30)) { reply in
                (reply.status, try await reply.next().map { String(buffer: $0) })
            }
        }
        #expect(status == 200)
        #expect(piece == "he")
        await server.firstClose()
        try await server.stop()
    }

    @Test func readsToTheEndThatTheFramingTells() async throws {
        let server = try await ScriptedServer.start(.answer("HTTP/1.1 422 No\r\nContent-Length: 5\r\n\r\nhello"))
        let bytes = try await withClient { client in
            try await client.exchange(.get, server.url(), silence: .seconds(30)) { try await $0.rest(atMost: 100) }
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "hello")
        try await server.stop()
    }

    @Test func sendsABodyPieceByPieceWithItsLength() async throws {
        let server = try await ScriptedServer.start(.silence)
        let body = StreamedBody(length: 9) { send in
            for piece in ["one", "two", "end"] { try await send(ByteBuffer(string: piece)) }
        }
        let call = Task {
            try await withClient { client in
                try await client.exchange(.post, server.url(), body: body, silence: .seconds(30)) { _ in }
            }
        }
        let request = await server.first { event in
            if case .request(let text) = event, text.hasSuffix("end") { text } else { nil }
        }
        #expect(request?.hasSuffix("\r\n\r\nonetwoend") == true)
        #expect(request?.lowercased().contains("content-length: 9\r\n") == true)
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        await server.firstClose()
        try await server.stop()
    }

    @Test func aBodyThatCannotBeMadeEndsTheCallWithItsReason() async throws {
        struct Gone: Error {}
        let server = try await ScriptedServer.start(.silence)
        let body = StreamedBody(length: 9) { send in
            try await send(ByteBuffer(string: "one"))
            throw Gone()
        }
        await #expect(throws: Gone.self) {
            try await withClient { client in
                try await client.exchange(.post, server.url(), body: body, silence: .seconds(30)) { _ in }
            }
        }
        await server.firstClose()
        try await server.stop()
    }

    @Test func anAnswerBeforeTheBodyIsSentCounts() async throws {
        let server = try await ScriptedServer.start(.answer("HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n"))
        let status = try await withClient { client in
            let body = StreamedBody(length: 9) { send in
                try await send(ByteBuffer(string: "one"))
                // The rest never comes.
                for await _ in AsyncStream<Void>.makeStream().stream {}
            }
            return try await client.exchange(.post, server.url(), body: body, silence: .seconds(30)) { $0.status }
        }
        #expect(status == 413)
        try await server.stop()
    }

    @Test func aServerThatFallsSilentIsGivenUp() async throws {
        let server = try await ScriptedServer.start(.silence)
        let error = await #expect(throws: MartletError.self) {
            try await withClient { client in
                try await client.exchange(.get, server.url(), silence: .milliseconds(50)) { _ in }
            }
        }
        #expect(error?.code == .idleTimeout)
        try await server.stop()
    }

    @Test func aReplyThatBreaksOffIsAnError() async throws {
        let server = try await ScriptedServer.start(.answerAndClose("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"))
        let error = await #expect(throws: MartletError.self) {
            try await withClient { client in
                try await client.exchange(.get, server.url(), silence: .seconds(30)) { try await $0.rest(atMost: 100) }
            }
        }
        #expect(error?.code == .upstreamTruncated)
        try await server.stop()
    }
}
