import Foundation
import Logging
import MartletKnowledge
import MartletNet
import NIOPosix
import Testing

/// A `redis-server` of this machine, empty, for the length of a test.
struct RedisServer: Sendable {
    static let path = ["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/opt/homebrew/bin/redis-server"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    let url: RedisURL

    /// A node's connection to it.
    func link(_ times: RedisLink.Times = .init(), logger: Logger? = nil) -> RedisLink {
        RedisLink(
            url, on: MultiThreadedEventLoopGroup.singleton.next(), times: times,
            logger: logger ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    static func run(on port: Int? = nil, _ body: (RedisServer) async throws -> Void) async throws {
        let port = try #require(port ?? LoopbackPort.free())
        let child = ChildProcess(
            ChildCommand(arguments: [
                path ?? "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--loglevel", "warning", "--dir", FileManager.default.temporaryDirectory.path,
            ]))
        // Ended and waited for when this returns.
        async let _ = child.run(onStart: { _ in }, onLine: { _, _ in })
        let server = RedisServer(url: RedisURL(host: "127.0.0.1", port: port))
        let deadline = ContinuousClock.now + .seconds(60)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        while true {
            do {
                try await RedisConnection.open(server.url, on: loop, timeout: .seconds(1)).close()
                break
            } catch where ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        try await body(server)
    }
}
