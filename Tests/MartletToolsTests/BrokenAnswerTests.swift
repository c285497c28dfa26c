import NIOCore
import NIOPosix
import Testing

@testable import MartletTools

/// Answers whatever is asked with the same bytes, then ends the connection or leaves it open.
private final class Recital: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum End: Sendable {
        case open, closed, reset
    }

    private let text: String
    private let end: End

    init(_ text: String, _ end: End) {
        self.text = text
        self.end = end
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = context.channel
        let end = end
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text))).assumeIsolated().whenSuccess {
            switch end {
            case .open: break
            case .closed: channel.close(promise: nil)
            // A moment later: a reset takes with it what the client has not read yet, and nothing tells that it has.
            case .reset: channel.eventLoop.scheduleTask(in: .milliseconds(250)) { channel.closeWithReset() }
            }
        }
    }
}

/// Half an answer that its framing gives away, and half an answer that nothing gives away, are two things.
@Suite struct BrokenAnswerTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    /// What one client that asks for a stream sees of `answer`.
    private func hearing(
        _ answer: String, _ end: Recital.End = .open, isStream: Bool = true
    ) async throws -> LoadReport {
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Recital(answer, end))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        var options = LoadOptions()
        options.port = try #require(listener.localAddress?.port)
        options.connections = 1
        options.count = 1
        options.stream = isStream
        options.timeout = .seconds(5)
        let report = try await LoadGenerator.run(options)
        try await listener.close()
        return report
    }

    private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    private static let half = "data: {\"n\":0}\n\ndata: {\"n\":1}\n\n"
    private static let whole = half + "data: [DONE]\n\n"

    private static func chunked(_ body: String, last: Bool) -> String {
        let chunk = String(body.utf8.count, radix: 16) + "\r\n" + body + "\r\n"
        return head + "Transfer-Encoding: chunked\r\n\r\n" + chunk + (last ? "0\r\n\r\n" : "")
    }

    private static func sized(_ body: String, length: Int) -> String {
        head + "Content-Length: \(length)\r\n\r\n" + body
    }

    private static func untilClose(_ body: String) -> String { head + "\r\n" + body }

    @Test func endInGoodOrderWithoutTheMarkerIsSilent() async throws {
        for answer in [Self.chunked(Self.half, last: true), Self.sized(Self.half, length: Self.half.utf8.count)] {
            let report = try await hearing(answer)
            #expect(report.failures == [.silent: 1], "\(answer)")
            #expect(report.events == 2)
            #expect(report.json.contains(#""truncated":0,"silent":1"#))
            #expect(report.text.contains("failures: silent 1"))
        }
        #expect(try await hearing(Self.untilClose(Self.half), .closed).failures == [.silent: 1])
    }

    @Test func brokenFramingIsTruncatedWhateverTheStreamHadSaid() async throws {
        let long = Self.whole.utf8.count + 10
        for answer in [
            Self.chunked(Self.half, last: false), Self.chunked(Self.whole, last: false),
            Self.sized(Self.half, length: long), Self.sized(Self.whole, length: long),
        ] {
            for end in [Recital.End.closed, .reset] {
                let report = try await hearing(answer, end)
                #expect(report.failures == [.truncated: 1], "\(answer)")
                #expect(report.brokenBy == [end == .reset ? .reset : .closed: 1])
            }
        }
    }

    @Test func resetIsNoEndOfABodyThatLastsUntilTheConnectionEnds() async throws {
        #expect(try await hearing(Self.untilClose(Self.whole), .closed).completed == 1)
        #expect(try await hearing(Self.untilClose(Self.whole), .reset).failures == [.truncated: 1])
        #expect(try await hearing(Self.untilClose("a page"), .reset, isStream: false).failures == [.truncated: 1])
    }

    @Test func errorEventIsSaidHoweverTheAnswerEnds() async throws {
        let told = Self.half + "data: {\"error\":{\"message\":\"gone\"}}\n\n"
        #expect(try await hearing(Self.chunked(told, last: true)).failures == [.errorEvent: 1])
        #expect(try await hearing(Self.chunked(told, last: false), .closed).failures == [.errorEvent: 1])
    }

    @Test func lostEventIsAGapWhateverComesAfterIt() async throws {
        let lossy = "data: {\"n\":0}\n\ndata: {\"n\":2}\n\n"
        let ends = ["data: [DONE]\n\n", "data: {\"error\":{}}\n\n", ""]
        for end in ends { #expect(try await hearing(Self.chunked(lossy + end, last: true)).failures == [.gap: 1]) }
        #expect(try await hearing(Self.chunked(lossy, last: false), .closed).failures == [.gap: 1])
    }

    @Test func answerThatIsNoStreamIsNotOne() async throws {
        let page = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        #expect(try await hearing(page).failures == [.mismatch: 1])
    }
}
