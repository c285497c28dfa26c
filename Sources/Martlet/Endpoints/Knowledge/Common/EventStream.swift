import MartletExchange
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

    /// One without a name.
    static func event(_ json: String) -> ByteBuffer { ByteBuffer(string: "data: \(json)\r\n\r\n") }

    static func event(_ name: String, _ json: String) -> ByteBuffer {
        ByteBuffer(string: "event: \(name)\r\ndata: \(json)\r\n\r\n")
    }
}
