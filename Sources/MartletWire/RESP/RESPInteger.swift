import NIOCore

/// Integers as RESP writes them: a minus or nothing, then digits without leading zeros.
enum RESPInteger {
    /// The longest one, with its sign.
    static let maximumBytes = 20

    /// Nil when it is not one, or does not fit.
    static func parse(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
        let isNegative = !range.isEmpty && bytes[range.lowerBound] == UInt8(ascii: "-")
        let digits = isNegative ? range.dropFirst() : range
        guard (1..<maximumBytes).contains(digits.count) else { return nil }
        guard bytes[digits.lowerBound] != UInt8(ascii: "0") || range.count == 1 else { return nil }
        var value: Int64 = 0
        for index in digits {
            guard case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 else { return nil }
            // Downwards: the lowest number has no positive twin.
            let (product, tooLow) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooLowStill) = product.subtractingReportingOverflow(Int64(digit))
            guard !tooLow, !tooLowStill else { return nil }
            value = sum
        }
        guard !isNegative else { return value }
        return value == .min ? nil : -value
    }

    static func write(_ value: Int64, into buffer: inout ByteBuffer) {
        if value >= 0 {
            HTTP1Writer.decimal(Int(value), into: &buffer)
        } else {
            buffer.writeString(String(value))
        }
    }
}
