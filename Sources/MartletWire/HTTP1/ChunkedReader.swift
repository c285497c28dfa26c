import MartletBase
import NIOCore

/// Reads the chunked transfer coding (RFC 9112 §7.1) strictly: CRLF everywhere, no blanks after the size, bounded
/// size lines and trailers. Resumes at any byte.
struct ChunkedReader: Sendable {
    private enum State {
        case size
        case extensions
        /// In a quoted value of an extension.
        case quoted
        case quotedEscape
        case sizeLineFeed
        case data
        case dataReturn
        case dataLineFeed
        case trailers
        case done
    }

    private var state = State.size
    private var remaining = 0
    private var digits = 0
    private var lineBytes = 0
    /// Payload and extension bytes so far.
    private var counted = 0
    private var trailers = LineFinder()
    private var trailerCount = 0

    mutating func next(_ input: inout ByteBuffer, limits: HTTPLimits) throws(WireError) -> BodyStep {
        while true {
            switch state {
            case .size, .extensions, .quoted, .quotedEscape, .sizeLineFeed, .dataReturn, .dataLineFeed:
                guard input.readableBytes > 0 else { return .needMore }
                let consumed = try readFraming(input.readableBytesUInt8Span, limits)
                input.moveReaderIndex(forwardBy: consumed)
            case .data:
                guard let slice = input.readNonEmptySlice(upTo: remaining) else { return .needMore }
                remaining -= slice.readableBytes
                if remaining == 0 { state = .dataReturn }
                return .bytes(slice)
            case .trailers:
                guard let length = try readTrailers(input.readableBytesUInt8Span, limits) else { return .needMore }
                input.moveReaderIndex(forwardBy: length)
                state = .done
            case .done:
                return .end
            }
        }
    }

    /// Reads up to the next payload byte or the trailers; returns how many bytes it took.
    private mutating func readFraming(_ bytes: Span<UInt8>, _ limits: HTTPLimits) throws(WireError) -> Int {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch state {
            case .size: try readSize(byte, limits)
            case .extensions, .quoted, .quotedEscape: try readExtension(byte, limits)
            case .sizeLineFeed:
                guard byte == Characters.lineFeed else { throw WireError(.badRequest, "chunk size without CRLF") }
                state = remaining == 0 ? .trailers : .data
                (digits, lineBytes) = (0, 0)
                return index
            case .dataReturn:
                guard byte == Characters.carriageReturn else {
                    throw WireError(.badRequest, "chunk data longer than its size")
                }
                state = .dataLineFeed
            case .dataLineFeed:
                guard byte == Characters.lineFeed else { throw WireError(.badRequest, "chunk without CRLF") }
                state = .size
            case .data, .trailers, .done:
                return index - 1
            }
        }
        return index
    }

    /// Leading zeros included: nobody writes more, and some readers stop earlier.
    private static let maximumDigits = 16

    private mutating func readSize(_ byte: UInt8, _ limits: HTTPLimits) throws(WireError) {
        try countLineByte(limits)
        if let value = Characters.hexValue(byte) {
            guard remaining <= Int.max >> 4 else { throw WireError(.badRequest, "chunk size out of range") }
            remaining = remaining << 4 | Int(value)
            digits += 1
            return
        }
        guard 1...Self.maximumDigits ~= digits, byte == Characters.carriageReturn || byte == 0x3b else {
            throw WireError(.badRequest, "invalid chunk size")
        }
        try count(remaining, limit: limits.bodyBytes)
        state = byte == 0x3b ? .extensions : .sizeLineFeed
    }

    private mutating func readExtension(_ byte: UInt8, _ limits: HTTPLimits) throws(WireError) {
        try countLineByte(limits)
        if byte == Characters.carriageReturn, state == .extensions {
            state = .sizeLineFeed
            return
        }
        guard byte >= 0x20 && byte < 0x7f || byte == Characters.tab else {
            throw WireError(.badRequest, "invalid character in a chunk extension")
        }
        try count(1, limit: limits.bodyBytes)
        switch state {
        case .quoted where byte == 0x5c: state = .quotedEscape
        case .quoted where byte == 0x22: state = .extensions
        case .extensions where byte == 0x22: state = .quoted
        case .quotedEscape: state = .quoted
        default: break
        }
    }

    private mutating func countLineByte(_ limits: HTTPLimits) throws(WireError) {
        lineBytes += 1
        guard lineBytes <= limits.chunkLineBytes else { throw WireError(.badRequest, "chunk size line too long") }
    }

    private mutating func count(_ bytes: Int, limit: Int) throws(WireError) {
        let (sum, overflow) = counted.addingReportingOverflow(bytes)
        guard !overflow, sum <= limit else { throw WireError(.bodyTooLarge, "body longer than the limit") }
        counted = sum
    }

    /// Checks the trailer section; its length when it is complete. It is taken from the input as a whole, so what
    /// waits there is bounded by `trailerBytes`.
    private mutating func readTrailers(_ bytes: Span<UInt8>, _ limits: HTTPLimits) throws(WireError) -> Int? {
        while let line = try trailers.next(bytes) {
            guard line.upperBound <= limits.trailerBytes else { throw WireError(.badRequest, "trailers too long") }
            if line.isEmpty { return trailers.lineStart }
            trailerCount += 1
            guard trailerCount <= limits.fields else { throw WireError(.badRequest, "too many trailers") }
            var checked = FieldLines(base: line.lowerBound, isRequest: true, capacity: 1)
            try checked.add(line, of: bytes, table: FieldNameTable.shared)
            guard checked.present.isDisjoint(with: .framing) else {
                throw WireError(.badRequest, "framing field in the trailers")
            }
        }
        guard bytes.count <= limits.trailerBytes else { throw WireError(.badRequest, "trailers too long") }
        return nil
    }
}
