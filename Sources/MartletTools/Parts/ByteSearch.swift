import MartletBase
import NIOCore

/// Finds a fixed pattern in bytes, skipping ahead by the pattern's length where it can (Horspool), so that looking for
/// `"stream"` in a 1 KB body costs a hundred steps and not a thousand.
struct ByteSearch {
    private let pattern: [UInt8]
    private let skip: [Int]

    init(_ text: String) {
        let pattern = Array(text.utf8)
        var skip = [Int](repeating: max(pattern.count, 1), count: 256)
        for (index, byte) in pattern.dropLast().enumerated() {
            skip[Int(byte)] = pattern.count - 1 - index
        }
        self.pattern = pattern
        self.skip = skip
    }

    /// The index just past the first occurrence at or after `start`.
    func end(in bytes: Span<UInt8>, from start: Int = 0) -> Int? {
        let last = pattern.count - 1
        guard last >= 0, start >= 0 else { return nil }
        var position = start + last
        while position < bytes.count {
            let byte = bytes[position]
            if byte == pattern[last], matches(bytes, endingAt: position) { return position + 1 }
            position += skip[Int(byte)]
        }
        return nil
    }

    private func matches(_ bytes: Span<UInt8>, endingAt position: Int) -> Bool {
        let first = position - (pattern.count - 1)
        for index in 0..<(pattern.count - 1) where bytes[first + index] != pattern[index] { return false }
        return true
    }
}

/// Reads the decimal number at `index`, blanks before it skipped; nil when there is none or it is too long.
func decimal(in bytes: Span<UInt8>, at index: Int) -> UInt64? {
    var index = index
    while index < bytes.count, bytes[index] == 0x20 { index += 1 }
    let start = index
    var value: UInt64 = 0
    while index < bytes.count, index - start < 19, bytes[index] >= 0x30, bytes[index] <= 0x39 {
        value = value &* 10 &+ UInt64(bytes[index] &- 0x30)
        index += 1
    }
    return index > start ? value : nil
}

/// Says whether two bodies are the same.
enum BodyHash {
    /// Sixteen hexadecimal digits.
    static func of(_ buffer: ByteBuffer) -> String {
        var hash = FNV1a()
        let bytes = buffer.readableBytesUInt8Span
        for index in bytes.indices { hash.add(bytes[index]) }
        let digits = String(hash.value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
