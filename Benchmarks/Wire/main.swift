import Glibc
import MartletWire
import NIOCore

/// Nanoseconds of CPU for each pass over typical bytes: the best and the median of several rounds. Build it with
/// `-c release`. With an argument, only the cases whose name contains it run.

func cpuNanoseconds() -> Double {
    var time = timespec()
    // SAFETY: the call fills the timespec it is given and keeps no pointer.
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

func measure(_ name: String, rounds: Int = 15, passes: Int = 50_000, _ body: () throws -> Int) rethrows {
    if CommandLine.arguments.count > 1, !name.contains(CommandLine.arguments[1]) { return }
    var times: [Double] = []
    var check = 0
    for _ in 0..<rounds {
        let start = cpuNanoseconds()
        for _ in 0..<passes { check &+= try body() }
        times.append((cpuNanoseconds() - start) / Double(passes))
    }
    times.sort()
    func rounded(_ time: Double) -> Double { (time * 10).rounded() / 10 }
    print("\(name): best \(rounded(times[0])) ns, median \(rounded(times[rounds / 2])) ns (check \(check & 0xff))")
}

let requestText =
    "POST /v1/chat/completions HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: OpenAI/Python 1.55.0\r\n"
    + "Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\nContent-Type: application/json\r\n"
    + "Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\nX-Stainless-Lang: python\r\n"
    + "X-Stainless-Arch: x64\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
let responseText =
    "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 03:00:00 GMT\r\nServer: uvicorn\r\nContent-Length: 0\r\n"
    + "Content-Type: application/json\r\n\r\n"
let eventText =
    "data: {\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\","
    + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" token\"},\"logprobs\":null,\"finish_reason\":null}]}   \n\n"
let chatText =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"" + String(repeating: "Tell me about swifts. ", count: 40)
    + "\"}],\"temperature\":0.2,\"max_tokens\":64,\"model\":\"smollm2\",\"stream\":true}"
let embeddingsText =
    "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":["
    + Array(repeating: "-0.0123456789", count: 384).joined(separator: ",")
    + "]}],\"model\":\"e5\",\"usage\":{\"prompt_tokens\":9,\"total_tokens\":9}}"

func heads() throws {
    let request = ByteBuffer(string: requestText)
    let response = ByteBuffer(string: responseText)
    let limits = HTTPLimits()
    print("request head \(request.readableBytes) bytes, response head \(response.readableBytes)")
    var requests = RequestParser(limits: limits)
    try measure("request head with its end, 10 fields") {
        var input = request
        guard case .head(let head, _) = try requests.next(&input) else { return 0 }
        guard case .end = try requests.next(&input) else { return 0 }
        return head.headers.fields.count
    }
    var responses = ResponseParser(limits: limits)
    try measure("response head with its end, 4 fields") {
        responses.expect(method: .post)
        var input = response
        guard case .head(let head, _) = try responses.next(&input) else { return 0 }
        guard case .end = try responses.next(&input) else { return 0 }
        return head.status
    }
    var parser = RequestParser(limits: limits)
    var input = request
    guard case .head(let head, _) = try parser.next(&input) else { return }
    let left = FieldSet.hopByHop.union(.framing)
    var output = ByteBuffer()
    output.reserveCapacity(2048)
    measure("forwarding a request head") {
        output.clear()
        HTTP1Writer.requestLine(head, into: &output)
        head.headers.write(into: &output, except: left)
        HTTP1Writer.contentLength(1024, into: &output)
        HTTP1Writer.endOfHead(into: &output)
        return output.readableBytes
    }
}

func streams() throws {
    let event = ByteBuffer(string: eventText)
    print("event \(event.readableBytes) bytes")
    var chunk = ByteBuffer()
    HTTP1Writer.chunkHeader(event.readableBytes, into: &chunk)
    chunk.writeBytes(event.readableBytesView)
    HTTP1Writer.chunkEnd(into: &chunk)
    var stream = ResponseParser(limits: HTTPLimits())
    stream.expect(method: .post)
    var head = ByteBuffer(string: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    _ = try stream.next(&head)
    try measure("chunk of one event, read") {
        var input = chunk
        var count = 0
        while let part = try stream.next(&input) { if case .body(let slice) = part { count += slice.readableBytes } }
        return count
    }
    var output = ByteBuffer()
    output.reserveCapacity(2048)
    measure("chunk of one event, written") {
        output.clear()
        HTTP1Writer.chunkHeader(event.readableBytes, into: &output)
        HTTP1Writer.chunkEnd(into: &output)
        return output.readableBytes
    }
    var boundary = EventBoundary()
    measure("event boundary, at the end") { boundary.scan(event.readableBytesUInt8Span) }
    let part = event.getSlice(at: 0, length: event.readableBytes - 1) ?? event
    measure("event boundary, none") { boundary.scan(part.readableBytesUInt8Span) }
    var marks = StreamMarks()
    measure("stream marks of an event") {
        marks.read(event.readableBytesUInt8Span)
        return marks.isDone ? 1 : 0
    }
}

func bodies() throws {
    let chat = ByteBuffer(string: chatText)
    try measure("model peek, \(chat.readableBytes) bytes") {
        var peek = ModelPeek()
        try peek.feed(chat.readableBytesUInt8Span)
        return try peek.finish().isStream ? 1 : 0
    }
    let embeddings = ByteBuffer(string: embeddingsText)
    measure("usage of an answer, \(embeddings.readableBytes) bytes") {
        var scanner = UsageScanner()
        scanner.feed(embeddings.readableBytesUInt8Span)
        return scanner.usage?.total ?? 0
    }
}

try heads()
try streams()
try bodies()
