import MartletWire
import NIOCore
import NIOPosix
import Synchronization

/// A server on loopback that answers whole requests, one on each connection.
final class AnsweringServer: Sendable {
    struct Request: Sendable {
        var method: MartletWire.Method
        /// With the query.
        var path: String
        var headers: HeaderBlock
        var body: ByteBuffer
    }

    typealias Answer = @Sendable (Request) async throws -> String

    let url: String
    private let channel: any Channel
    private let seen = Mutex([Request]())
    private let (closes, closed) = AsyncStream.makeStream(of: Void.self)

    var requests: [Request] { seen.withLock { $0 } }

    private init(_ channel: any Channel) {
        self.channel = channel
        url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    /// Runs `body` with a server.
    ///
    /// - Parameter answer: Bytes of HTTP. Without a Content-Length the connection stays open until the client leaves.
    static func with<Value>(
        _ answer: @escaping Answer, _ body: (AnsweringServer) async throws -> Value
    ) async throws -> Value {
        let bound = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let server = AnsweringServer(bound.channel)
        async let _ = server.serve(bound, answer)
        let value = try await body(server)
        try await bound.channel.close()
        return value
    }

    /// Returns when a connection has ended.
    func firstClose() async {
        for await _ in closes { return }
    }

    private func serve(
        _ bound: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>, _ answer: @escaping Answer
    ) async {
        try? await withThrowingDiscardingTaskGroup { group in
            try await bound.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask {
                        try? await connection.executeThenClose { input, output in
                            try await self.serve(input, output, answer)
                        }
                        self.closed.yield()
                    }
                }
            }
        }
    }

    private func serve(
        _ input: NIOAsyncChannelInboundStream<ByteBuffer>, _ output: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        _ answer: Answer
    ) async throws {
        var (parser, bytes) = (RequestParser(limits: HTTPLimits()), ByteBuffer())
        var request: Request?
        for try await piece in input {
            bytes.writeImmutableBuffer(piece)
            while let part = try parser.next(&bytes) {
                switch part {
                case .head(let head, _):
                    request = Request(
                        method: head.method, path: String(buffer: head.target), headers: head.headers,
                        body: ByteBuffer())
                case .body(let slice): request?.body.writeImmutableBuffer(slice)
                case .end:
                    guard let request else { return }
                    seen.withLock { $0.append(request) }
                    let text = try await answer(request)
                    try await output.write(ByteBuffer(string: text))
                    if text.contains("Content-Length") { return }
                }
            }
        }
    }

    static func reply(_ body: String, status: Int = 200, type: String = "application/json") -> String {
        "HTTP/1.1 \(status) X\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}
