import MartletKnowledge
import MartletNet
import MartletWire
import NIOPosix

/// Calls a Chroma server.
struct ChromaClient: Sendable {
    private let client = HTTPClient(group: .singletonMultiThreadedEventLoopGroup, resolver: NameResolver())
    private let origin: Origin

    /// - Parameter address: `http://host:port`.
    init(_ address: String) throws { origin = try HTTPURL(address).origin }

    var call: ChromaEngine.Call {
        { method, path, body in
            let reply = try await client.request(
                Method.allCases.first { $0.text == method } ?? .other, HTTPURL(origin: origin, path: path),
                headers: [("Content-Type", "application/json")], body: body, timeout: .seconds(60), maxBody: 64 << 20)
            return ChromaEngine.Reply(status: reply.status, body: reply.body)
        }
    }
}
