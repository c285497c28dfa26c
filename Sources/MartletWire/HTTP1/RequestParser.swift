import MartletBase
public import NIOCore

/// Reads HTTP/1.1 requests from a connection, strictly: what two readers could understand differently is refused.
///
/// Feed it with whatever arrived: bytes it has not taken stay in the input, to which the next bytes are appended.
/// After an error, and after a request that ends the connection, it takes and drops everything.
public struct RequestParser: Sendable {
    private enum State {
        case requestLine
        case fields
        case body
        case discarding
    }

    private var state = State.requestLine
    /// `bodyBytes` is that of the current request.
    private var limits: HTTPLimits
    private let defaultBodyBytes: Int
    private var finder = LineFinder()
    private var line: RequestLine?
    private var fields: FieldLines?
    private var body = BodyReader()
    private var announcedLength = 0
    private var keepsAlive = true
    private var skippedEmptyLine = false
    private var headStarted = false

    public init(limits: HTTPLimits) {
        self.limits = limits
        defaultBodyBytes = limits.bodyBytes
    }

    /// Nothing of a next request has arrived: an idle connection may be closed here.
    public var isBetweenRequests: Bool { state == .requestLine && !headStarted }

    /// A head has begun and is not complete.
    public var isInHead: Bool { state == .fields || (state == .requestLine && headStarted) }

    /// Replaces the body limit for the request whose head was just read; the next request starts from the
    /// configured limit again. Call it before the next `next`.
    public mutating func setBodyLimit(_ bytes: Int) {
        limits.bodyBytes = max(0, bytes)
    }

    /// The next part, or nil until more bytes arrive.
    ///
    /// - Throws: ``WireError`` with the code to answer; nothing more comes from this connection.
    public mutating func next(_ input: inout ByteBuffer) throws(WireError) -> RequestPart? {
        do throws(WireError) {
            switch state {
            case .requestLine, .fields: return try nextHead(&input)
            case .body: return try nextBody(&input)
            case .discarding:
                input.moveReaderIndex(to: input.writerIndex)
                return nil
            }
        } catch {
            state = .discarding
            throw error
        }
    }

    // MARK: Head

    @inline(__always)
    private mutating func nextHead(_ input: inout ByteBuffer) throws(WireError) -> RequestPart? {
        if state == .requestLine {
            guard try skipEmptyLine(&input), try begins(input) else { return nil }
        }
        guard let end = try readLines(input.readableBytesUInt8Span), let line, let fields else { return nil }
        let (head, framing) = try RequestRules.head(input, line: line, fields: fields, headEnd: end)
        input.moveReaderIndex(forwardBy: end)
        forgetHead()
        keepsAlive = framing.isKeepAlive
        announcedLength = 0
        switch framing.body {
        case .none: body.start(length: 0)
        case .length(let length):
            announcedLength = length
            body.start(length: length)
        case .chunked: body.startChunked()
        }
        limits.bodyBytes = defaultBodyBytes
        state = .body
        return .head(head, framing)
    }

    /// One empty line before a request is forgiven, as RFC 9112 §2.2 asks. False while half of one is there.
    private mutating func skipEmptyLine(_ input: inout ByteBuffer) throws(WireError) -> Bool {
        while !headStarted, input.getInteger(at: input.readerIndex) == Characters.carriageReturn {
            guard !skippedEmptyLine else { throw WireError(.badRequest, "empty lines before the request") }
            guard let second: UInt8 = input.getInteger(at: input.readerIndex + 1) else { return false }
            guard second == Characters.lineFeed else { throw WireError(.badRequest, "line ends without CRLF") }
            skippedEmptyLine = true
            input.moveReaderIndex(forwardBy: 2)
        }
        return true
    }

    /// A byte that cannot begin a method is refused as soon as it is there: who speaks TLS or SSH to this port would
    /// otherwise wait for the end of a line that never comes. False while there is no byte.
    private mutating func begins(_ input: ByteBuffer) throws(WireError) -> Bool {
        guard !headStarted else { return true }
        guard let first: UInt8 = input.getInteger(at: input.readerIndex) else { return false }
        guard Characters.token.contains(first) else { throw WireError(.badRequest, "invalid method") }
        headStarted = true
        return true
    }

    /// Reads complete lines; returns the length of the head when its empty line is there.
    private mutating func readLines(_ bytes: Span<UInt8>) throws(WireError) -> Int? {
        let table = FieldNameTable.shared
        while let range = try finder.next(bytes) {
            guard fields != nil else {
                guard range.count <= limits.requestLineBytes else { throw Self.lineTooLong }
                line = try RequestLine(bytes, range, limits: limits)
                fields = FieldLines(base: finder.lineStart, isRequest: true)
                state = .fields
                continue
            }
            if range.isEmpty { return finder.lineStart }
            try addField(range, of: bytes, table: table)
        }
        try checkPending(bytes)
        return nil
    }

    @inline(__always)
    private mutating func addField(_ range: Range<Int>, of bytes: Span<UInt8>, table: FieldNameTable)
        throws(WireError)
    {
        guard range.count <= limits.fieldBytes else { throw WireError(.headersTooLarge, "field too long") }
        guard finder.lineStart <= limits.headBytes else { throw WireError(.headersTooLarge, "head too long") }
        try fields?.add(range, of: bytes, table: table)
        guard fields?.fields.count ?? 0 <= limits.fields else {
            throw WireError(.headersTooLarge, "too many fields")
        }
    }

    private static let lineTooLong = WireError(.targetTooLong, "request line too long")

    /// Bounds the line that has not ended yet.
    private func checkPending(_ bytes: Span<UInt8>) throws(WireError) {
        let pending = finder.pendingCount(bytes)
        if state == .requestLine {
            guard pending <= limits.requestLineBytes else { throw Self.lineTooLong }
        } else {
            guard pending <= limits.fieldBytes else { throw WireError(.headersTooLarge, "field too long") }
        }
        guard bytes.count <= limits.headBytes else { throw WireError(.headersTooLarge, "head too long") }
    }

    /// Streams live long: what was read of their heads is not kept for as long.
    private mutating func forgetHead() {
        line = nil
        fields = nil
    }

    // MARK: Body

    @inline(__always)
    private mutating func nextBody(_ input: inout ByteBuffer) throws(WireError) -> RequestPart? {
        guard announcedLength <= limits.bodyBytes else {
            throw WireError(.bodyTooLarge, "Content-Length above the limit")
        }
        switch try body.next(&input, limits: limits) {
        case .bytes(let slice): return .body(slice)
        case .needMore: return nil
        case .end:
            prepareForNextRequest()
            return .end
        }
    }

    private mutating func prepareForNextRequest() {
        state = keepsAlive ? .requestLine : .discarding
        finder = LineFinder()
        skippedEmptyLine = false
        headStarted = false
    }
}
