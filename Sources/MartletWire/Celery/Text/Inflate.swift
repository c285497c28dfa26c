/// Unpacks what `zlib.compress` made (RFC 1950 and 1951): the way that Celery calls `gzip`. Bodies are short as a rule,
/// so this is plain rather than fast.
enum Inflate {
    /// - Parameter limit: more bytes than these are refused, before they are made.
    /// - Returns: nil when the bytes are broken or too many.
    static func zlib(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
        // Deflate, a window that is allowed, a checksum of the head that fits, and no dictionary.
        guard bytes.count >= 6, bytes[0] & 0x0f == 8, bytes[0] >> 4 <= 7,
            (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0, bytes[1] & 0x20 == 0
        else { return nil }
        var reader = Inflater(bytes: bytes[2...], limit: limit)
        guard reader.readAll(), let sum = reader.trailer() else { return nil }
        return sum == adler32(reader.output) ? reader.output : nil
    }

    static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }
}

/// A table that turns bits into symbols, shortest codes first.
private struct Huffman {
    /// How many codes have each length.
    private var counts = [Int](repeating: 0, count: 16)
    private var symbols: [Int] = []

    /// nil: the lengths promise more codes than there can be.
    init?(_ lengths: some RandomAccessCollection<UInt8>) {
        for length in lengths { counts[Int(length & 15)] += 1 }
        counts[0] = 0
        var left = 1
        for length in 1...15 {
            left = left << 1 - counts[length]
            guard left >= 0 else { return nil }
        }
        for length in 1...15 as ClosedRange<UInt8> where counts[Int(length)] > 0 {
            for (symbol, own) in lengths.enumerated() where own == length { symbols.append(symbol) }
        }
    }

    /// nil: the bits are no code, or there are no more.
    func symbol(_ reader: inout Inflater) -> Int? {
        var (code, first, index) = (0, 0, 0)
        for length in 1...15 {
            guard let bit = reader.bits(1) else { return nil }
            code |= bit
            let count = counts[length]
            if code - first < count { return symbols[index + code - first] }
            index += count
            first = (first + count) << 1
            code <<= 1
        }
        return nil
    }
}

private struct Inflater {
    private(set) var output: [UInt8] = []
    private let bytes: ArraySlice<UInt8>
    private let limit: Int
    private var index: Int
    private var held = 0
    private var heldBits = 0

    init(bytes: ArraySlice<UInt8>, limit: Int) {
        self.bytes = bytes
        self.limit = limit
        index = bytes.startIndex
    }

    /// At most 16 bits, the first one lowest; nil: there are not so many.
    mutating func bits(_ count: Int) -> Int? {
        while heldBits < count {
            guard index < bytes.endIndex else { return nil }
            held |= Int(bytes[index]) << heldBits
            index += 1
            heldBits += 8
        }
        defer {
            held >>= count
            heldBits -= count
        }
        return held & (1 << count - 1)
    }

    mutating func readAll() -> Bool {
        while true {
            guard let isLast = bits(1), let kind = bits(2) else { return false }
            switch kind {
            case 0: guard readStored() else { return false }
            case 1:
                guard let (literals, distances) = Self.fixed, readCodes(literals, distances) else { return false }
            case 2:
                guard let (literals, distances) = readTables(), readCodes(literals, distances) else { return false }
            default: return false
            }
            if isLast == 1 { return true }
        }
    }

    /// The checksum at the end, with nothing behind it; nil: there is none.
    mutating func trailer() -> UInt32? {
        (held, heldBits) = (held >> (heldBits % 8), heldBits / 8 * 8)
        var sum: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = bits(8) else { return nil }
            sum = sum << 8 | UInt32(byte)
        }
        return index == bytes.endIndex && heldBits == 0 ? sum : nil
    }

    private mutating func readStored() -> Bool {
        (held, heldBits) = (held >> (heldBits % 8), heldBits / 8 * 8)
        guard let count = bits(16), let inverse = bits(16), count == ~inverse & 0xffff, output.count + count <= limit
        else { return false }
        for _ in 0..<count {
            guard let byte = bits(8) else { return false }
            output.append(UInt8(truncatingIfNeeded: byte))
        }
        return true
    }

    private mutating func readCodes(_ literals: Huffman, _ distances: Huffman) -> Bool {
        while true {
            guard let symbol = literals.symbol(&self) else { return false }
            if symbol == 256 { return true }
            if symbol < 256 {
                guard output.count < limit else { return false }
                output.append(UInt8(truncatingIfNeeded: symbol))
                continue
            }
            let place = symbol - 257
            guard place < Self.lengths.count, let more = bits(Self.lengthBits[place]),
                let code = distances.symbol(&self), code < Self.distances.count,
                let further = bits(Self.distanceBits[code])
            else { return false }
            let count = Self.lengths[place] + more
            let distance = Self.distances[code] + further
            guard distance <= output.count, output.count + count <= limit else { return false }
            for _ in 0..<count { output.append(output[output.count - distance]) }
        }
    }

    private mutating func readTables() -> (Huffman, Huffman)? {
        guard let literals = bits(5), let distances = bits(5), let codes = bits(4), literals <= 29, distances <= 29
        else { return nil }
        var codeLengths = [UInt8](repeating: 0, count: 19)
        for place in Self.codeOrder.prefix(codes + 4) {
            guard let length = bits(3) else { return nil }
            codeLengths[place] = UInt8(truncatingIfNeeded: length)
        }
        guard let table = Huffman(codeLengths) else { return nil }
        let total = literals + 257 + distances + 1
        var lengths: [UInt8] = []
        while lengths.count < total {
            guard let symbol = table.symbol(&self) else { return nil }
            switch symbol {
            case 0..<16: lengths.append(UInt8(truncatingIfNeeded: symbol))
            case 16:
                guard let last = lengths.last, let more = bits(2) else { return nil }
                lengths += [UInt8](repeating: last, count: 3 + more)
            default:
                guard let more = bits(symbol == 17 ? 3 : 7) else { return nil }
                lengths += [UInt8](repeating: 0, count: (symbol == 17 ? 3 : 11) + more)
            }
        }
        // Every block ends with the symbol 256, so it must have a code.
        guard lengths.count == total, lengths[256] > 0, let first = Huffman(lengths.prefix(literals + 257)),
            let second = Huffman(lengths.dropFirst(literals + 257))
        else { return nil }
        return (first, second)
    }

    private static let fixed: (Huffman, Huffman)? = {
        let literals = (0..<288).map { symbol -> UInt8 in
            symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8
        }
        guard let first = Huffman(literals), let second = Huffman([UInt8](repeating: 5, count: 30)) else { return nil }
        return (first, second)
    }()

    private static let lengths = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
        227, 258,
    ]
    private static let lengthBits = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distances = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145, 8193, 12_289, 16_385, 24_577,
    ]
    private static let distanceBits = [
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
    ]
    private static let codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
}
