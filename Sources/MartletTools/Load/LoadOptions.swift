import MartletBase

/// When those who leave early do so.
package enum LeavePhase: String, CaseIterable, Sendable {
    /// At a random moment, whatever has come by then.
    case any
    /// At a random moment before the first byte; who gets that one earlier stays.
    case beforeFirstByte = "before-first-byte"
    /// At a random moment after the first byte, of a stream after its first event.
    case streaming
}

/// What load to make.
package struct LoadOptions: Sendable {
    /// Where to connect.
    package var host = "127.0.0.1"
    package var port = 80
    package var path = "/"
    package var method = "POST"
    /// Further fields of each request.
    package var fields: [(name: String, value: String)] = []
    /// The body of each request; empty sends none.
    package var body = LoadOptions.chatBody(stream: false)

    /// Connections open at once; with `stream`, streams.
    package var connections = 64
    /// Stop after so many requests.
    package var count: Int?
    /// Stop after this long; streams that are open then are closed and counted as unfinished.
    package var duration: Duration?
    /// Requests a second. When set, each request has a scheduled time, sent or not, and its latency counts from there:
    /// a server that stalls cannot hide what it did to those who would have come meanwhile.
    package var rate: Double?
    package var threads = 1
    /// Whether a connection serves request after request.
    package var keepAlive = true
    /// Whether answers are streams of events to be checked.
    package var stream = false
    /// Connections are opened spread over this time.
    package var ramp = Duration.zero
    /// The part of the clients, 0 to 1, that leave before their answer is complete…
    package var leave = 0.0
    /// …at a random moment within this time of their request (of the first byte, when they leave `streaming`).
    package var leaveWithin = Duration.seconds(1)
    package var leavePhase = LeavePhase.any
    /// Whether they leave with a TCP reset instead of a FIN.
    package var leavesWithReset = false
    /// Each connection is one client: it asks once and is gone, whatever became of it. Its times count from the moment
    /// it began to connect.
    package var isOnce = false
    /// When set, each request carries `x-mock-id` and `x-request-id`: this, a dash and its number.
    package var idPrefix: String?
    /// Whether the report says what became of each request.
    package var keepsLedger = false
    /// Addresses to connect from, in turn.
    package var sources: [String] = []
    /// A request without a complete answer after this long has failed; for streams, one without an event for so long.
    package var timeout = Duration.seconds(30)
    /// What each body must be. Without them, each body must be as the first one was.
    package var expectedLength: Int?
    package var expectedHash: String?
    /// The same seed makes the same clients leave at the same moments.
    package var seed: UInt64 = 1

    package init() {}

    /// Takes `http://host:port/path`; false when it is not such a URL.
    package mutating func setURL(_ text: String) -> Bool {
        guard text.hasPrefix("http://") else { return false }
        let rest = text.dropFirst(7)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        guard !authority.isEmpty else { return false }
        path = slash == rest.endIndex ? "/" : String(rest[slash...])
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
                return false
            }
            port = number
            host = String(authority[..<colon])
        } else {
            port = 80
            host = String(authority)
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return !host.isEmpty
    }

    /// A chat request of 1 KB, as clients send it: the messages first.
    package static func chatBody(stream: Bool, model: String = "mock") -> String {
        let before = #"{"messages":[{"role":"user","content":""#
        let after = #""}],"model":\#(JSONText.quoted(model)),"stream":\#(stream)}"#
        let room = 1024 - before.utf8.count - after.utf8.count
        return before + String(repeating: "words ", count: max(room, 0) / 6)
            + String(repeating: ".", count: max(room, 0) % 6) + after
    }

    /// What the server is told to be: the field `host`, where there is one.
    var virtualHost: String {
        fields.first { $0.name.lowercased() == "host" }?.value ?? "\(host):\(port)"
    }

    /// The bytes of one request, up to the empty line after its fields.
    var requestHead: String {
        var text = "\(method) \(path) HTTP/1.1\r\nhost: \(virtualHost)\r\nuser-agent: martlet-load\r\n"
        if !body.isEmpty { text += "content-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n" }
        for field in fields where field.name.lowercased() != "host" { text += "\(field.name): \(field.value)\r\n" }
        if !keepAlive { text += "connection: close\r\n" }
        return text
    }
}
