/// CRC-32C (Castagnoli), eight bytes at a time from tables.
struct CRC32C: Sendable {
    private var state: UInt32 = 0xffff_ffff

    /// The checksum of what was added.
    var value: UInt32 { ~state }

    mutating func add(_ number: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { add(UInt8(truncatingIfNeeded: number >> UInt64(shift))) }
    }

    mutating func add(_ bytes: Span<UInt8>) {
        let tables = Self.tables.span
        var index = 0
        while index + 8 <= bytes.count {
            let low = state ^ Self.word(bytes, at: index)
            let high = Self.word(bytes, at: index + 4)
            state =
                tables[7 << 8 | Int(low & 255)] ^ tables[6 << 8 | Int(low >> 8 & 255)]
                ^ tables[5 << 8 | Int(low >> 16 & 255)] ^ tables[4 << 8 | Int(low >> 24)]
                ^ tables[3 << 8 | Int(high & 255)] ^ tables[2 << 8 | Int(high >> 8 & 255)]
                ^ tables[1 << 8 | Int(high >> 16 & 255)] ^ tables[Int(high >> 24)]
            index += 8
        }
        while index < bytes.count {
            add(bytes[index])
            index += 1
        }
    }

    private mutating func add(_ byte: UInt8) {
        state = state >> 8 ^ Self.tables[Int((state ^ UInt32(byte)) & 255)]
    }

    private static func word(_ bytes: Span<UInt8>, at index: Int) -> UInt32 {
        UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
            | UInt32(bytes[index + 3]) << 24
    }

    /// The first 256 entries are those of one byte; each following table looks one byte further back.
    private static let tables: [UInt32] = {
        var tables = (0..<UInt32(256)).map { byte in
            (0..<8).reduce(byte) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
        }
        for index in 256..<2048 {
            let before = tables[index - 256]
            tables.append(before >> 8 ^ tables[Int(before & 255)])
        }
        return tables
    }()
}
