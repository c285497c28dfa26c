import MartletBase
import NIOCore

/// A whole answer, ready to be written.
struct MockAnswer {
    let bytes: ByteBuffer
    let headLength: Int

    init(_ status: Int, type: String = "application/json", fields: [String] = [], body: String, closes: Bool) {
        var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\nserver: martlet-mock\r\n"
        // 204 and 304 have no body and say nothing about its length.
        let hasBody = status != 204 && status != 304
        if hasBody { head += "content-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n" }
        for field in fields { head += field + "\r\n" }
        if closes { head += "connection: close\r\n" }
        head += "\r\n"
        bytes = ByteBuffer(string: hasBody ? head + body : head)
        headLength = head.utf8.count
    }

    /// The head and half of the body.
    var half: ByteBuffer {
        let length = headLength + (bytes.readableBytes - headLength) / 2
        return bytes.getSlice(at: bytes.readerIndex, length: length) ?? bytes
    }

    /// What answers a HEAD request.
    var head: ByteBuffer {
        bytes.getSlice(at: bytes.readerIndex, length: headLength) ?? bytes
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 404: "Not Found"
        case 429: "Too Many Requests"
        case 503: "Service Unavailable"
        default: "Mocked"
        }
    }
}

/// Makes the answers in the OpenAI API's shapes. One for each event loop; what can be answered twice is kept.
final class MockAnswers {
    private struct Key: Hashable {
        let endpoint: MockEndpoint
        let size: Int
        let closes: Bool
    }

    private let model: String
    private let created: Int
    private var kept: [Key: MockAnswer] = [:]
    let chatEvent: EventTemplate
    let completionEvent: EventTemplate

    init(model: String, created: Int) {
        self.model = model
        self.created = created
        let model = JSONText.quoted(model)
        chatEvent = EventTemplate(
            before: """
                data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":\(created),"model":\(model),\
                "choices":[{"index":0,"delta":{"role":"assistant","content":"token ","n":
                """,
            between: ",\"t\":", after: "},\"finish_reason\":null}]}\n\n")
        completionEvent = EventTemplate(
            before: """
                data: {"id":"cmpl-mock","object":"text_completion","created":\(created),"model":\(model),\
                "choices":[{"index":0,"text":"token ","n":
                """,
            between: ",\"t\":", after: ",\"finish_reason\":null}]}\n\n")
    }

    // MARK: Whole answers

    func unary(_ request: MockRequest, size: Int, closes: Bool) -> MockAnswer {
        switch request.endpoint {
        case .embeddings:
            return MockAnswer(200, body: embeddings(inputs: request.inputCount), closes: closes)
        case .echo, .stats, .wait, .control:
            return MockAnswer(200, body: Self.echo(request).text, closes: closes)
        case .chat, .completions, .models, .health:
            let key = Key(endpoint: request.endpoint, size: size, closes: closes)
            if let answer = kept[key] { return answer }
            let answer = MockAnswer(200, body: body(request.endpoint, size: size), closes: closes)
            if kept.count >= 256 { kept.removeAll() }
            kept[key] = answer
            return answer
        }
    }

    private func body(_ endpoint: MockEndpoint, size: Int) -> String {
        let model = JSONText.quoted(model)
        let usage = #""usage":{"prompt_tokens":8,"completion_tokens":16,"total_tokens":24}"#
        switch endpoint {
        case .chat:
            return Self.filled(
                before: """
                    {"id":"chatcmpl-mock","object":"chat.completion","created":\(created),"model":\(model),"choices":\
                    [{"index":0,"message":{"role":"assistant","content":"
                    """,
                after: #""},"finish_reason":"stop"}],"# + usage + "}", size: size)
        case .completions:
            return Self.filled(
                before: """
                    {"id":"cmpl-mock","object":"text_completion","created":\(created),"model":\(model),"choices":\
                    [{"index":0,"text":"
                    """,
                after: #"","finish_reason":"stop"}],"# + usage + "}", size: size)
        case .models:
            return """
                {"object":"list","data":[{"id":\(model),"object":"model","created":\(created),"owned_by":"martlet"}]}
                """
        default:
            return #"{"status":"ok"}"#
        }
    }

    /// Words between `before` and `after`, so many that the whole is `size` bytes long (or as short as it can be).
    private static func filled(before: String, after: String, size: Int) -> String {
        let room = max(size - before.utf8.count - after.utf8.count, 0)
        return before + String(repeating: "token ", count: room / 6) + String(repeating: ".", count: room % 6) + after
    }

    private func embeddings(inputs: Int) -> String {
        let vector = (0..<8).map { "0.\($0 + 1)" }.joined(separator: ",")
        let rows = (0..<inputs).map { #"{"object":"embedding","index":\#($0),"embedding":[\#(vector)]}"# }
        return """
            {"object":"list","data":[\(rows.joined(separator: ","))],"model":\(JSONText.quoted(model)),\
            "usage":{"prompt_tokens":\(inputs * 8),"total_tokens":\(inputs * 8)}}
            """
    }

    private static func echo(_ request: MockRequest) -> JSONObject {
        var fields = JSONObject()
        for field in request.fields { fields.set(field.name.lowercased(), field.value) }
        var object = JSONObject()
        object.set("method", request.method)
        object.set("path", request.path)
        object.set("target", request.target)
        object.set("headers", fields)
        object.set("body_length", request.body.readableBytes)
        object.set("body_hash", BodyHash.of(request.body))
        return object
    }

    func status(_ status: Int, retryAfter: Int?, closes: Bool) -> MockAnswer {
        let fields = retryAfter.map { ["retry-after: \($0)"] } ?? []
        var error = JSONObject()
        error.set("message", "mocked \(status)")
        error.set("type", status < 500 ? "invalid_request_error" : "server_error")
        error.set("code", "mock_fault")
        var body = JSONObject()
        body.set("error", error)
        return MockAnswer(status, fields: fields, body: body.text, closes: closes)
    }

    func page(closes: Bool) -> MockAnswer {
        MockAnswer(200, type: "text/html", body: "<html><body>It works!</body></html>", closes: closes)
    }

    // MARK: Streams

    func streamHead(chunked: Bool, closes: Bool, trailers: Bool) -> String {
        "HTTP/1.1 200 OK\r\nserver: martlet-mock\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
            + (chunked ? "transfer-encoding: chunked\r\n" : "") + (trailers ? "trailer: x-mock-trailer\r\n" : "")
            + (closes ? "connection: close\r\n" : "") + "\r\n"
    }

    /// The last event, with its usage; `[DONE]`; and what ends the body.
    func streamEnd(_ endpoint: MockEndpoint, tokens: Int, chunked: Bool, fault: MockFault) -> String {
        let isChat = endpoint == .chat
        let choice = isChat ? #""delta":{}"# : #""text":"""#
        let object = isChat ? "chat.completion.chunk" : "text_completion"
        let id = isChat ? "chatcmpl-mock" : "cmpl-mock"
        let last = """
            data: {"id":"\(id)","object":"\(object)","created":\(created),"model":\(JSONText.quoted(model)),\
            "choices":[{"index":0,\(choice),"finish_reason":"stop"}],"usage":{"prompt_tokens":8,\
            "completion_tokens":\(tokens),"total_tokens":\(tokens + 8)}}\n\n
            """
        var text = fault == .noDone ? last : last + "data: [DONE]\n\n"
        if fault == .afterDone { text += last }
        return framed(text, chunked: chunked, trailers: fault == .trailers)
    }

    func streamError(chunked: Bool) -> String {
        framed(
            "data: {\"error\":{\"message\":\"mocked\",\"type\":\"server_error\",\"code\":\"mock_fault\"}}\n\n",
            chunked: chunked, trailers: false)
    }

    private func framed(_ text: String, chunked: Bool, trailers: Bool) -> String {
        guard chunked else { return text }
        return ChunkText.chunk(text) + "0\r\n" + (trailers ? "x-mock-trailer: 1\r\n" : "") + "\r\n"
    }
}

extension MockRequest {
    private static let inputKey = ByteSearch("\"input\"")

    /// How many texts an embeddings request asks about: the strings of the array `input`, or one.
    var inputCount: Int {
        let bytes = body.readableBytesUInt8Span
        guard var index = Self.inputKey.end(in: bytes) else { return 1 }
        while index < bytes.count, bytes[index] != UInt8(ascii: "["), bytes[index] != UInt8(ascii: "\"") { index += 1 }
        guard index < bytes.count, bytes[index] == UInt8(ascii: "[") else { return 1 }
        var quotes = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\\"): index += 1
            case UInt8(ascii: "\""): quotes += 1
            case UInt8(ascii: "]") where quotes % 2 == 0: return max(quotes / 2, 1)
            default: break
            }
            index += 1
        }
        return 1
    }
}
