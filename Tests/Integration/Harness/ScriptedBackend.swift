import NIOCore
import Synchronization

/// A backend that keeps what it was sent, and answers as the test says.
///
/// For answers that the mock does not give, and for tests that look at what arrives, byte for byte.
final class ScriptedBackend: Sendable {
    /// What becomes of a request.
    enum Reply: Sendable {
        /// These bytes, as they are.
        case bytes(String)
        /// A whole answer, 200 with this body.
        case ok(String)
        /// These bytes, then the end of the connection in good order.
        case closing(String)
        /// A TCP reset.
        case reset
        /// Nothing.
        case silence
    }

    /// One request as it came, head and body.
    struct Request: Sendable {
        var text: String

        var line: String { String(text.prefix { !$0.isNewline }) }
        var body: String { text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? "" }

        /// The values of a header field in order; names in any case.
        func values(_ name: String) -> [String] {
            let head = text.firstRange(of: "\r\n\r\n").map { text[..<$0.lowerBound] } ?? text[...]
            return head.split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
                guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased()
                else { return nil }
                return String(line[line.index(after: colon)...].drop { $0 == " " })
            }
        }
    }

    private let backend: RawBackend
    private let taken = Mutex<[Request]>([])

    var port: Int { backend.port }
    var url: String { "http://127.0.0.1:\(port)" }
    /// Every request that came whole, checks of its health left out.
    var requests: [Request] { taken.withLock { $0 } }

    private init(_ backend: RawBackend) {
        self.backend = backend
    }

    /// - Parameter reply: what becomes of a request; the number counts all requests from 1. `/health` gets 200.
    static func start(_ reply: @escaping @Sendable (Request, Int) -> Reply) async throws -> ScriptedBackend {
        let script = ScriptedBackend(try await RawBackend.start())
        script.backend.play { peer, _ in
            while let request = try await peer.takeRequest() {
                try await peer.carryOut(script.answer(request, reply))
            }
        }
        return script
    }

    func stop() async {
        await backend.stop()
    }

    private func answer(_ request: Request, _ reply: @Sendable (Request, Int) -> Reply) -> Reply {
        guard !request.line.contains(" /health ") else { return .ok("fine") }
        let number = taken.withLock { requests in
            requests.append(request)
            return requests.count
        }
        return reply(request, number)
    }
}

extension Peer {
    /// The next whole request: by its length, or by the end of its chunks; nil when the connection ends before.
    fileprivate func takeRequest() async throws -> ScriptedBackend.Request? {
        guard let head = try await takeHead() else { return nil }
        let request = ScriptedBackend.Request(text: head)
        let heard: Heard
        var length = 0
        if let stated = request.values("content-length").first.flatMap({ Int($0) }) {
            length = stated
            heard = try await receive(.bytes(length))
        } else if !request.values("transfer-encoding").isEmpty {
            heard = try await receive(.text("0\r\n\r\n"))
            let view = heard.bytes.readableBytesView
            guard let end = view.firstRange(of: "0\r\n\r\n".utf8)?.upperBound else { return nil }
            length = end - view.startIndex
        } else {
            return request
        }
        guard let body = heard.bytes.getString(at: heard.bytes.readerIndex, length: length) else { return nil }
        try await forget(length)
        return ScriptedBackend.Request(text: head + body)
    }

    fileprivate func carryOut(_ reply: ScriptedBackend.Reply) async throws {
        switch reply {
        case .silence: break
        case .bytes(let bytes): try await send(bytes)
        case .ok(let body): try await send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        case .closing(let bytes):
            try await send(bytes)
            await close()
        case .reset: _ = try await leave(.reset)
        }
    }
}

/// Runs `body` with a backend that answers like this, and stops it at the end.
func withBackend(
    _ reply: @escaping @Sendable (ScriptedBackend.Request, Int) -> ScriptedBackend.Reply,
    body: (ScriptedBackend) async throws -> Void
) async throws {
    let backend = try await ScriptedBackend.start(reply)
    do {
        try await body(backend)
        await backend.stop()
    } catch {
        await backend.stop()
        throw error
    }
}
