import MartletExchange
import MartletWire
import NIOCore

/// An answer of server-sent events that goes on while its maker works.
enum EventStream {
    /// Proxies take a stream for dead that says nothing.
    private static let pulse: Duration = .seconds(15)
    private static let comment = ByteBuffer(string: ": still there\r\n\r\n")

    /// - Parameter write: Writes the events; what it throws breaks the answer off.
    static func response(_ write: @escaping LocalResponse.Stream) -> LocalResponse {
        // What it writes later on is written for the same client.
        let run = Run.current
        var response = LocalResponse(contentType: "text/event-stream; charset=utf-8") { writer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while true {
                        try await Task.sleep(for: pulse)
                        try await writer.write(comment)
                    }
                }
                group.addTask { try await Run.$current.withValue(run) { try await write(writer) } }
                // The pulse ends with an error alone.
                try await group.next()
                group.cancelAll()
            }
        }
        response.headers = [("Cache-Control", "no-cache")]
        return response
    }

    /// Whether who asks wants to hear of the work while it goes on.
    static func isWanted(_ request: LocalRequest) -> Bool {
        request.headers.value(.accept)?.lowercased().contains("text/event-stream") == true
    }

    /// Does work and writes an event `progress` for what it tells of itself. Who reads slowly misses some, but the
    /// latest.
    ///
    /// - Parameter event: What is said of how many are done, of how many.
    static func telling<Value: Sendable>(
        _ writer: LocalWriter, _ event: (_ done: Int, _ of: Int) -> JSONValue,
        _ work: @escaping @Sendable (@escaping @Sendable (_ done: Int, _ of: Int) -> Void) async throws -> Value
    ) async throws -> Value {
        let (progress, telling) = AsyncStream.makeStream(
            of: (done: Int, of: Int).self, bufferingPolicy: .bufferingNewest(1))
        async let result = {
            defer { telling.finish() }
            return try await work { telling.yield((done: $0, of: $1)) }
        }()
        for await (done, count) in progress {
            try await writer.write(Self.event("progress", event(done, count).text))
        }
        return try await result
    }

    /// One without a name.
    static func event(_ json: String) -> ByteBuffer { ByteBuffer(string: "data: \(json)\r\n\r\n") }

    static func event(_ name: String, _ json: String) -> ByteBuffer {
        ByteBuffer(string: "event: \(name)\r\ndata: \(json)\r\n\r\n")
    }
}
