import MartletBase
public import NIOCore

/// Reads the responses of one upstream connection, strictly. Every error is the upstream's: `upstreamMalformed`,
/// `upstreamTruncated` or `upstreamReset`.
///
/// Feed it as a ``RequestParser``. A connection on which bytes are left after `.end` carries something nobody asked
/// for and must not be used again.
public struct ResponseParser: Sendable {
    private enum State {
        case idle
        case statusLine
        case fields
        case body
        case failed
    }

    private var state = State.idle
    private var limits: HTTPLimits
    private var method = Method.get
    private var finder = LineFinder()
    private var line: StatusLine?
    private var fields: FieldLines?
    private var body = BodyReader()
    private var informationals = 0

    public init(limits: HTTPLimits) {
        self.limits = limits
        self.limits.bodyBytes = .max
    }

    /// No response is awaited.
    public var isIdle: Bool { state == .idle }

    /// Awaits the response to a request of this method; once for each request, when the one before is complete.
    public mutating func expect(method: Method) {
        self.method = method
        informationals = 0
        startHead()
    }

    private mutating func startHead() {
        state = .statusLine
        finder = LineFinder()
        forgetHead()
    }

    /// Streams live long: what was read of their heads is not kept for as long.
    private mutating func forgetHead() {
        line = nil
        fields = nil
    }

    /// The next part, or nil until more bytes arrive.
    public mutating func next(_ input: inout ByteBuffer) throws(WireError) -> ResponsePart? {
        do throws(WireError) {
            switch state {
            case .idle:
                guard input.readableBytes == 0 else {
                    throw WireError(.upstreamMalformed, "bytes that no request asked for")
                }
                return nil
            case .statusLine, .fields: return try nextHead(&input)
            case .body: return try nextBody(&input)
            case .failed: return nil
            }
        } catch {
            state = .failed
            throw WireError(.upstreamMalformed, error.reason)
        }
    }

    /// The connection has ended. `.end` if that completes the response, nil if none was awaited.
    ///
    /// - Throws: `upstreamReset` before the first byte of the response, `upstreamTruncated` after it.
    public mutating func endOfInput() throws(WireError) -> ResponsePart? {
        switch state {
        case .idle, .failed: return nil
        case .statusLine where !finder.hasSeenBytes && informationals == 0:
            state = .failed
            throw WireError(.upstreamReset, "connection ended before the response")
        case .statusLine, .fields:
            state = .failed
            throw WireError(.upstreamTruncated, "connection ended in the response head")
        case .body:
            if body.kind == .untilClose {
                state = .idle
                return .end
            }
            state = .failed
            throw WireError(.upstreamTruncated, "connection ended in the response body")
        }
    }

    @inline(__always)
    private mutating func nextHead(_ input: inout ByteBuffer) throws(WireError) -> ResponsePart? {
        guard let end = try readLines(input.readableBytesUInt8Span), let line, let fields else { return nil }
        guard line.status != 101 else { throw WireError(.upstreamMalformed, "upstream switched protocols") }
        let (head, framing) = try ResponseRules.head(
            input, line: line, fields: fields, headEnd: end, method: method)
        input.moveReaderIndex(forwardBy: end)
        if line.status < 200 {
            informationals += 1
            guard informationals <= limits.informationals else {
                throw WireError(.upstreamMalformed, "too many interim responses")
            }
            startHead()
            return .informational(head)
        }
        forgetHead()
        switch framing.body {
        case .none: body.start(length: 0)
        case .length(let length): body.start(length: length)
        case .chunked: body.startChunked()
        case .untilClose: body.startUntilClose()
        }
        state = .body
        return .head(head, framing)
    }

    /// Reads complete lines; returns the length of the head when its empty line is there.
    private mutating func readLines(_ bytes: Span<UInt8>) throws(WireError) -> Int? {
        let table = FieldNameTable.shared
        while let range = try finder.next(bytes) {
            guard range.count <= limits.fieldBytes, finder.lineStart <= limits.headBytes else {
                throw WireError(.upstreamMalformed, "response head too long")
            }
            guard fields != nil else {
                line = try StatusLine(bytes, range)
                fields = FieldLines(base: finder.lineStart, isRequest: false)
                state = .fields
                continue
            }
            if range.isEmpty { return finder.lineStart }
            try fields?.add(range, of: bytes, table: table)
            guard fields?.fields.count ?? 0 <= limits.fields else {
                throw WireError(.upstreamMalformed, "too many fields in a response")
            }
        }
        guard finder.pendingCount(bytes) <= limits.fieldBytes, bytes.count <= limits.headBytes else {
            throw WireError(.upstreamMalformed, "response head too long")
        }
        return nil
    }

    @inline(__always)
    private mutating func nextBody(_ input: inout ByteBuffer) throws(WireError) -> ResponsePart? {
        switch try body.next(&input, limits: limits) {
        case .bytes(let slice): return .body(slice)
        case .needMore: return nil
        case .end:
            state = .idle
            return .end
        }
    }
}
