import Foundation
import MartletNet
import NIOCore
import NIOPosix
import Testing

/// A `redis-server` of this machine, empty, for the length of a test.
struct RedisServer {
    static let path = ["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/opt/homebrew/bin/redis-server"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }
    static let isInstalled = path != nil

    let url: RedisURL

    static func run(_ body: (RedisServer) async throws -> Void) async throws {
        let port = try #require(LoopbackPort.free())
        let folder = FileManager.default.temporaryDirectory.path
        let child = ChildProcess(
            ChildCommand(arguments: [
                path ?? "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--loglevel", "warning", "--dir", folder,
            ]))
        // Ended and waited for when this returns.
        async let _ = child.run(onStart: { _ in }, onLine: { _, _ in })
        let url = RedisURL(host: "127.0.0.1", port: port)
        let deadline = ContinuousClock.now + .seconds(60)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        while true {
            do {
                try await RedisConnection.open(url, on: loop, timeout: .seconds(1)).close()
                break
            } catch where ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        try await body(RedisServer(url: url))
    }
}
