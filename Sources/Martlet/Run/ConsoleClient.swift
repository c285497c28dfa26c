import Foundation
import MartletNet
import MartletWire
import NIOCore
import NIOPosix

/// What the command line asks of a running server, over its console.
package struct ConsoleClient: Sendable {
    package struct Reply: Sendable {
        package let text: String
        package let isSuccess: Bool
    }

    private let url: HTTPURL
    private let headers: [(name: String, value: String)]

    package init(url: String, token: String?) throws {
        self.url = try HTTPURL(url)
        headers = [("Content-Type", "application/json")] + (token.map { [("Authorization", "Bearer \($0)")] } ?? [])
    }

    /// - Parameter version: the label of a target that is added.
    package func changeTarget(
        _ action: String, pool: String, url target: String, version: String? = nil
    ) async throws -> Reply {
        var command = ["action": action, "pool": pool, "url": target]
        command["version"] = version
        let body = try JSONEncoder().encode(command)
        return try await send(.post, "/targets", body: Array(body))
    }

    /// `GET /status`.
    package func status() async throws -> Reply { try await send(.get, "/status", body: nil) }

    /// Has the configuration read anew. The answer says what is wrong with it in plain words.
    package func reload() async throws -> Reply {
        let reply = try await send(.post, "/reload", body: Array("{}".utf8))
        struct Failure: Decodable { struct Inner: Decodable { var message: String }; var error: Inner }
        guard !reply.isSuccess, let failure = try? JSONDecoder().decode(Failure.self, from: Data(reply.text.utf8))
        else { return reply }
        return Reply(text: failure.error.message, isSuccess: false)
    }

    /// Returns when the target holds no request; throws when it is not there.
    package func waitUntilEmpty(pool: String, url target: String) async throws {
        while true {
            let reply = try await changeTarget("drain", pool: pool, url: target)
            guard reply.isSuccess, reply.text.contains("draining") else { return }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func send(_ method: MartletWire.Method, _ path: String, body: [UInt8]?) async throws -> Reply {
        let resolver = NameResolver()
        let client = HTTPClient(group: MultiThreadedEventLoopGroup.singleton, resolver: resolver)
        let result: Result<HTTPReply, any Error>
        do {
            result = .success(try await client.request(
                method, HTTPURL(origin: url.origin, path: path), headers: headers, body: body))
        } catch {
            result = .failure(error)
        }
        resolver.shutdown()
        let reply = try result.get()
        return Reply(
            text: String(decoding: reply.body, as: UTF8.self), isSuccess: (200..<300).contains(reply.status))
    }
}
