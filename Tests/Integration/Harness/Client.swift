import NIOCore

/// A client of one HTTP connection: a ``Peer`` that cuts answers out of what comes back.
struct Client: Sendable {
    private let peer: Peer

    /// - Parameter source: the local address to come from, such as `127.0.0.2`.
    static func connect(_ port: Int, from source: String? = nil, reads: Bool = true) async throws -> Client {
        Client(peer: try await Peer.connect(port, from: source, reads: reads, sendsToTheEnd: true))
    }

    /// One request on a connection of its own, and its whole answer.
    static func ask(
        _ method: String, _ path: String, port: Int, headers: [String] = [], body: String? = nil,
        from source: String? = nil, within limit: Duration = .seconds(10)
    ) async throws -> Answer {
        let client = try await connect(port, from: source)
        do {
            try await client.send(request(method, path, headers: headers + ["Connection: close"], body: body))
            let answer = try await client.answer(to: method, within: limit)
            await client.close()
            return answer
        } catch {
            await client.close()
            throw error
        }
    }

    static func request(_ method: String, _ path: String, headers: [String] = [], body: String? = nil) -> String {
        var lines = ["\(method) \(path) HTTP/1.1"]
        if !headers.contains(where: { $0.lowercased().hasPrefix("host:") }) { lines.append("Host: localhost") }
        lines += headers
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    func send(_ text: String) async throws {
        try await peer.send(text)
    }

    /// The next answer, whole or as far as it came before the connection ended; 1xx answers are passed over.
    func answer(to method: String = "GET", within limit: Duration = .seconds(10)) async throws -> Answer {
        let isThere = { @Sendable (heard: Peer.Heard) in Self.answer(in: heard, to: method) != nil }
        let heard = try await peer.receive(.that(isThere), within: TimeAmount(limit))
        guard let (answer, length) = Self.answer(in: heard, to: method) else {
            try await peer.forget(heard.bytes.readableBytes)
            return Answer(heard.text, heard.end)
        }
        try await peer.forget(length)
        return answer
    }

    /// The first final answer, and the bytes up to its end; nil while more of it may come, or where there is none.
    private static func answer(in heard: Peer.Heard, to method: String) -> (Answer, length: Int)? {
        let text = heard.text
        var rest = Substring(text)
        while let answer = Answer(cutFrom: &rest, method: method, end: heard.end) {
            guard (100..<200).contains(answer.status) else { return (answer, text.utf8.count - rest.utf8.count) }
        }
        return nil
    }

    /// How the connection ended, once it did.
    func ending(within limit: Duration = .seconds(10)) async throws -> Peer.End {
        try await peer.receive(.end, within: TimeAmount(limit)).end
    }

    /// Takes no more bytes off the connection, or takes them again.
    func setReading(_ isOn: Bool) async throws {
        try await peer.setReading(isOn)
    }

    func close() async {
        await peer.close()
    }

    /// Leaves with a TCP reset.
    func reset() async throws {
        _ = try await peer.leave(.reset)
    }
}
