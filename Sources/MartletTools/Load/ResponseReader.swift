import NIOCore

/// Cuts answers out of a connection's bytes and takes their framing off.
struct ResponseReader {
    enum Progress {
        case incomplete, complete, malformed
    }

    private enum Framing {
        case length(Int)
        case chunked
        case untilClose
    }

    private let isHead: Bool
    private var framing: Framing?
    private var chunks = ChunkedDecoder()
    private(set) var status = 0
    private(set) var isEventStream = false
    private(set) var hasRetryAfter = false
    /// Whether the connection may be used again.
    private(set) var keepsAlive = true
    /// Body bytes that nobody has taken yet.
    var body = ByteBuffer()

    init(isHead: Bool) {
        self.isHead = isHead
    }

    var hasHead: Bool { framing != nil }

    mutating func next() {
        framing = nil
        status = 0
        chunks = ChunkedDecoder()
        body = ByteBuffer()
    }

    mutating func read(_ input: inout ByteBuffer) -> Progress {
        while framing == nil {
            switch HeadScan.scan(input.readableBytesUInt8Span) {
            case .incomplete: return .incomplete
            case .malformed: return .malformed
            case .complete(let scan):
                guard let status = Self.status(in: input, scan) else { return .malformed }
                input.moveReaderIndex(forwardBy: scan.length)
                // What is said before the answer.
                if status < 200 { continue }
                headArrived(status, scan)
            }
        }
        return readBody(&input)
    }

    private mutating func headArrived(_ status: Int, _ scan: HeadScan) {
        self.status = status
        isEventStream = scan.isEventStream
        hasRetryAfter = scan.hasRetryAfter
        keepsAlive = !scan.saysClose
        if isHead || status == 204 || status == 304 {
            framing = .length(0)
        } else if scan.isChunked {
            framing = .chunked
        } else if let length = scan.contentLength {
            framing = .length(length)
        } else {
            framing = .untilClose
            keepsAlive = false
        }
    }

    private mutating func readBody(_ input: inout ByteBuffer) -> Progress {
        switch framing {
        case nil: return .incomplete
        case .chunked:
            switch chunks.decode(&input, into: &body) {
            case .incomplete: return .incomplete
            case .complete: return .complete
            case .malformed: return .malformed
            }
        case .untilClose:
            body.writeBuffer(&input)
            return .incomplete
        case .length(let length):
            let count = min(length, input.readableBytes)
            guard var slice = input.readSlice(length: count) else { return .incomplete }
            if body.readableBytes == 0 { body = slice } else { body.writeBuffer(&slice) }
            framing = .length(length - count)
            return count == length ? .complete : .incomplete
        }
    }

    /// Whether the end of the connection is the end of the answer.
    var endsWithConnection: Bool {
        if case .untilClose = framing { true } else { false }
    }

    /// `HTTP/1.x NNN`
    private static func status(in input: ByteBuffer, _ scan: HeadScan) -> Int? {
        let span = input.readableBytesUInt8Span
        guard scan.firstLineLength >= 12, span[0] == UInt8(ascii: "H"), span[4] == UInt8(ascii: "/"),
            let status = decimal(in: span, at: 9), (100...999).contains(status)
        else { return nil }
        return Int(status)
    }
}
