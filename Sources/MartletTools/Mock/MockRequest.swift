import NIOCore

/// The things a mock backend answers.
enum MockEndpoint {
    case chat, completions, embeddings, models, health, stats, wait, control, echo

    private static let paths: [(path: [UInt8], endpoint: MockEndpoint)] = [
        (Array("/v1/chat/completions".utf8), .chat), (Array("/v1/completions".utf8), .completions),
        (Array("/v1/embeddings".utf8), .embeddings), (Array("/v1/models".utf8), .models),
        (Array("/health".utf8), .health), (Array("/stats".utf8), .stats), (Array("/wait".utf8), .wait),
        (Array("/control".utf8), .control),
    ]

    init(path: Span<UInt8>) {
        for row in Self.paths where Self.same(path, row.path) {
            self = row.endpoint
            return
        }
        self = .echo
    }

    private static func same(_ span: Span<UInt8>, _ bytes: [UInt8]) -> Bool {
        guard span.count == bytes.count else { return false }
        for index in bytes.indices where span[index] != bytes[index] { return false }
        return true
    }

    /// The endpoints that steer the mock itself: no fault and no latency touches them.
    var isOwn: Bool {
        switch self {
        case .stats, .wait, .control: true
        default: false
        }
    }
}

extension MockEndpoint {
    /// What a model works for, and what takes one of the slots.
    var isGenerated: Bool {
        switch self {
        case .chat, .completions, .embeddings: true
        default: false
        }
    }
}

/// One request as it was read: the bytes of its head and body, and the little that the head scan found.
struct MockRequest {
    let head: ByteBuffer
    let scan: HeadScan
    var body = ByteBuffer()
    private let pathRange: Range<Int>
    private let targetEnd: Int
    let endpoint: MockEndpoint

    init(head: ByteBuffer, scan: HeadScan) {
        let span = head.readableBytesUInt8Span
        let start = Self.index(of: 0x20, in: span, 0..<scan.firstLineLength).map { $0 + 1 } ?? scan.firstLineLength
        let end = Self.index(of: 0x20, in: span, start..<scan.firstLineLength) ?? scan.firstLineLength
        let pathEnd = Self.index(of: UInt8(ascii: "?"), in: span, start..<end) ?? end
        pathRange = start..<pathEnd
        targetEnd = end
        endpoint = MockEndpoint(path: span.extracting(start..<pathEnd))
        self.head = head
        self.scan = scan
    }

    private static func index(of byte: UInt8, in span: Span<UInt8>, _ range: Range<Int>) -> Int? {
        for index in range where span[index] == byte { return index }
        return nil
    }

    var method: String { text(0..<max(pathRange.lowerBound - 1, 0)) }
    var path: String { text(pathRange) }
    var target: String { text(pathRange.lowerBound..<targetEnd) }
    var isHead: Bool { head.getInteger(at: head.readerIndex, as: UInt32.self) == 0x4845_4144 }

    var isHTTP10: Bool {
        head.getInteger(at: head.readerIndex + scan.firstLineLength - 1, as: UInt8.self) == UInt8(ascii: "0")
    }

    /// Whether the connection serves another request after this one.
    var keepsAlive: Bool { isHTTP10 ? scan.saysKeepAlive : !scan.saysClose }

    private func text(_ range: Range<Int>) -> String {
        head.getString(at: head.readerIndex + range.lowerBound, length: range.count) ?? ""
    }

    /// The fields in order, names as they were sent.
    var fields: [(name: String, value: String)] {
        text(0..<scan.length).split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (String(line[..<colon]), String(value))
        }
    }

    /// The `x-mock-…` fields, names in lower case and without the prefix. Empty at no cost when there are none.
    var mockFields: [(name: String, value: String)] {
        guard scan.hasMockFields else { return [] }
        return fields.compactMap { field in
            let name = field.name.lowercased()
            return name.hasPrefix("x-mock-") ? (String(name.dropFirst(7)), field.value) : nil
        }
    }

    /// The query's parameters. Nothing is unescaped: ids and states are plain words.
    var query: [String: String] {
        guard targetEnd > pathRange.upperBound else { return [:] }
        var result: [String: String] = [:]
        for pair in text(pathRange.upperBound + 1..<targetEnd).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if let name = parts.first { result[String(name)] = parts.count == 2 ? String(parts[1]) : "" }
        }
        return result
    }

    private static let streamKey = ByteSearch("\"stream\"")

    /// Whether the body says `"stream": true`, found by a search for the bytes.
    var wantsStream: Bool {
        let bytes = body.readableBytesUInt8Span
        guard var index = Self.streamKey.end(in: bytes) else { return false }
        while index < bytes.count, bytes[index] == 0x20 || bytes[index] == UInt8(ascii: ":") { index += 1 }
        return index < bytes.count && bytes[index] == UInt8(ascii: "t")
    }
}

/// Cuts requests out of a connection's bytes.
struct MockRequestParser {
    enum Step {
        /// More bytes are needed.
        case wait
        /// A head is there and its body is not: said once for each request.
        case head(MockRequest)
        case request(MockRequest)
        case malformed
    }

    private static let maximumBody = 128 << 20

    private var pending: MockRequest?
    private var chunks = ChunkedDecoder()

    mutating func next(_ input: inout ByteBuffer) -> Step {
        if pending != nil { return takeBody(&input) }
        guard input.readableBytes > 0 else { return .wait }
        switch HeadScan.scan(input.readableBytesUInt8Span) {
        case .incomplete: return .wait
        case .malformed: return .malformed
        case .complete(let scan):
            guard let head = input.readSlice(length: scan.length), (scan.contentLength ?? 0) <= Self.maximumBody
            else { return .malformed }
            let request = MockRequest(head: head, scan: scan)
            pending = request
            chunks = ChunkedDecoder()
            let step = takeBody(&input)
            if case .wait = step { return .head(request) }
            return step
        }
    }

    private mutating func takeBody(_ input: inout ByteBuffer) -> Step {
        guard var request = pending else { return .wait }
        if request.scan.isChunked {
            // The body grows inside `pending`: what has been decoded is kept between reads.
            pending = nil
            let progress = chunks.decode(&input, into: &request.body)
            guard case .incomplete = progress, request.body.readableBytes <= Self.maximumBody else {
                if case .complete = progress { return .request(request) }
                return .malformed
            }
            pending = request
            return .wait
        }
        guard let body = input.readSlice(length: request.scan.contentLength ?? 0) else { return .wait }
        request.body = body
        pending = nil
        return .request(request)
    }
}
