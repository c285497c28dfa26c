import NIOCore

/// Takes a chunked body apart, in whatever pieces it arrives.
struct ChunkedDecoder {
    private enum State {
        case size, data, dataEnd, trailer, done, broken
    }

    enum Progress {
        case incomplete, complete, malformed
    }

    private var state = State.size
    private var remaining = 0

    /// Moves body bytes from `input` to `output` until the body ends or `input` has no more to give. What follows the
    /// body stays in `input`.
    mutating func decode(_ input: inout ByteBuffer, into output: inout ByteBuffer) -> Progress {
        while true {
            switch state {
            case .size, .trailer:
                guard let line = Self.takeLine(&input) else {
                    return input.readableBytes > HeadScan.maximumLength ? fail() : .incomplete
                }
                guard on(line) else { return fail() }
            case .data:
                let count = min(remaining, input.readableBytes)
                guard count > 0, let slice = input.readSlice(length: count) else { return .incomplete }
                output.writeImmutableBuffer(slice)
                remaining -= count
                if remaining == 0 { state = .dataEnd }
            case .dataEnd:
                guard let line = Self.takeLine(&input) else {
                    return input.readableBytes > 2 ? fail() : .incomplete
                }
                guard line.readableBytes == 0 else { return fail() }
                state = .size
            case .done: return .complete
            case .broken: return .malformed
            }
        }
    }

    private mutating func fail() -> Progress {
        state = .broken
        return .malformed
    }

    /// A size line or a trailer line; false when it is neither.
    private mutating func on(_ line: ByteBuffer) -> Bool {
        if case .trailer = state {
            if line.readableBytes == 0 { state = .done }
            return true
        }
        guard let size = Self.hexadecimal(line.readableBytesUInt8Span) else { return false }
        remaining = size
        state = size == 0 ? .trailer : .data
        return true
    }

    private static func takeLine(_ input: inout ByteBuffer) -> ByteBuffer? {
        guard let end = lineFeed(in: input.readableBytesUInt8Span) else { return nil }
        guard var line = input.readSlice(length: end + 1) else { return nil }
        let hasReturn = end > 0 && line.getInteger(at: line.readerIndex + end - 1, as: UInt8.self) == UInt8(ascii: "\r")
        line.moveWriterIndex(to: line.readerIndex + end - (hasReturn ? 1 : 0))
        return line
    }

    private static func lineFeed(in bytes: Span<UInt8>) -> Int? {
        for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") { return index }
        return nil
    }

    private static func hexadecimal(_ bytes: Span<UInt8>) -> Int? {
        var value = 0
        var digits = 0
        for index in bytes.indices {
            let digit: UInt8
            switch bytes[index] {
            case 0x30...0x39: digit = bytes[index] - 0x30
            case 0x41...0x46: digit = bytes[index] - 0x37
            case 0x61...0x66: digit = bytes[index] - 0x57
            default: return digits > 0 ? value : nil
            }
            digits += 1
            guard digits <= 8 else { return nil }
            value = value << 4 | Int(digit)
        }
        return digits > 0 ? value : nil
    }
}
