import MartletWire
import NIOCore

/// The bytes of server-sent events, as LangServe's clients read them.
enum ServerEvents {
    static let contentType = "text/event-stream; charset=utf-8"
    static let headers = [(name: "Cache-Control", value: "no-cache")]

    static let end = ByteBuffer(string: "event: end\r\n\r\n")

    /// An event of JSON, which has no line breaks.
    static func data(_ json: String) -> ByteBuffer { ByteBuffer(string: "event: data\r\ndata: \(json)\r\n\r\n") }

    static func metadata(runID: String) -> ByteBuffer {
        ByteBuffer(string: "event: metadata\r\ndata: {\"run_id\": \"\(runID)\"}\r\n\r\n")
    }

    static func error(_ error: HTTPError?) -> ByteBuffer {
        let message = error?.detail.words ?? "Internal Server Error"
        let data = "{\"status_code\": \(error?.status ?? 500), \"message\": \(JSON.string(message).text)}"
        return ByteBuffer(string: "event: error\r\ndata: \(data)\r\n\r\n")
    }
}
