/// Numbers as Redis reads and writes them.
enum NumberText {
    /// Digits with at most one minus before them: no plus, no leading zeros, no blanks.
    static func integer(_ bytes: Bytes) -> Int64? {
        let isNegative = bytes.array.first == UInt8(ascii: "-")
        let digits = bytes.array.dropFirst(isNegative ? 1 : 0)
        guard let first = digits.first, digits.count <= 19 else { return nil }
        if first == UInt8(ascii: "0") { return digits.count == 1 && !isNegative ? 0 : nil }
        var number: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let value = Int64(digit - UInt8(ascii: "0"))
            let (shifted, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            // Counted downwards: the least integer has no positive counterpart.
            let (next, isTooSmall) = shifted.subtractingReportingOverflow(value)
            guard !isTooLarge, !isTooSmall else { return nil }
            number = next
        }
        guard !isNegative else { return number }
        return number == Int64.min ? nil : -number
    }

    /// A score: decimal, hexadecimal or infinite; nil for NaN and for what is too large.
    static func double(_ bytes: Bytes) -> Double? { real(bytes) }

    /// An end of a range: as a score, but what is too large is infinite, blanks may come first, and nothing means 0.
    static func bound(_ bytes: ArraySlice<UInt8>) -> Double? {
        let text = bytes.drop { $0 == UInt8(ascii: " ") || (0x09...0x0D).contains($0) }
        guard !bytes.isEmpty else { return 0 }
        guard !text.contains(0) else { return nil }
        guard let number = Double(String(decoding: text, as: UTF8.self)), !number.isNaN else { return nil }
        return number
    }

    static func wide(_ bytes: Bytes) -> Wide? { real(bytes) }

    private static func real<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ bytes: Bytes) -> Number? {
        // The standard library stops at a zero byte, as if the text ended there.
        guard !bytes.array.contains(0) else { return nil }
        guard let number = Number(String(decoding: bytes.array, as: UTF8.self)), !number.isNaN else { return nil }
        let namesInfinity = bytes.array.contains { ASCII.lowercased($0) == UInt8(ascii: "f") }
            && bytes.array.contains { ASCII.lowercased($0) == UInt8(ascii: "i") }
        return number.isInfinite && !namesInfinity ? nil : number
    }

    /// A score as the shortest text that reads back the same; whole numbers without a point.
    static func text(_ number: Double) -> Bytes {
        if number.isInfinite { return number < 0 ? "-inf" : "inf" }
        if number.magnitude < 1e17, number == number.rounded(.towardZero) {
            return number.sign == .minus && number == 0 ? "-0" : Bytes(String(Int64(number)))
        }
        let text = String(number)
        return Bytes(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }

    /// A float that was counted up: at most 17 digits after the point, no exponent, no zeros at the end.
    static func text(_ number: Wide) -> Bytes {
        let magnitude = number.magnitude
        // From here on there is no fraction.
        guard magnitude < 0x1p63 else { return Bytes(wholeText(number)) }
        let whole = magnitude.rounded(.towardZero)
        let scale: UInt128 = 100_000_000_000_000_000
        var integer = UInt64(whole)
        var fraction = scaled(magnitude - whole, by: scale)
        if fraction == scale {
            fraction = 0
            integer += 1
        }
        var digits = String(fraction)
        digits = String(repeating: "0", count: 17 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        let sign = number < 0 && (integer > 0 || !digits.isEmpty) ? "-" : ""
        return Bytes(digits.isEmpty ? "\(sign)\(integer)" : "\(sign)\(integer).\(digits)")
    }

    /// A fraction below 1 times `scale`, rounded to the nearest, halves to even: exact, as no product is rounded
    /// before.
    private static func scaled(_ fraction: Wide, by scale: UInt128) -> UInt128 {
        guard fraction > 0 else { return 0 }
        // The fraction is significand / 2^shift.
        let shift = fraction.significandWidth - Int(fraction.exponent)
        guard shift < 127 else { return 0 }
        let significand = UInt64(fraction * Wide(sign: .plus, exponent: shift, significand: 1))
        let product = UInt128(significand) * scale
        let quotient = product >> UInt128(shift)
        let rest = product - quotient << UInt128(shift)
        let half = UInt128(1) << UInt128(shift - 1)
        return rest > half || (rest == half && quotient % 2 == 1) ? quotient + 1 : quotient
    }

    /// A number without a fraction: its significand, doubled as often as its exponent says.
    private static func wholeText(_ number: Wide) -> String {
        var doublings = Int(number.exponent) - number.significandWidth
        var carry = UInt64(number.magnitude * Wide(sign: .plus, exponent: -doublings, significand: 1))
        // Nine digits each, the lowest first.
        var limbs: [UInt64] = []
        let limit: UInt64 = 1_000_000_000
        while doublings > 0 || carry > 0 {
            let shift = limbs.isEmpty ? 0 : min(doublings, 30)
            for index in limbs.indices {
                let wide = limbs[index] << UInt64(shift) + carry
                limbs[index] = wide % limit
                carry = wide / limit
            }
            while carry > 0 {
                limbs.append(carry % limit)
                carry /= limit
            }
            doublings -= shift
        }
        let digits = limbs.reversed().enumerated().map { place, limb in
            let text = String(limb)
            return place == 0 ? text : String(repeating: "0", count: 9 - text.count) + text
        }
        return (number < 0 ? "-" : "") + digits.joined()
    }
}

// What `INCRBYFLOAT` counts with: as wide as the machine has, as in Redis. A change holds the result, so another
// machine that replays it has the same.
#if arch(x86_64) || arch(i386)
typealias Wide = Float80
#else
typealias Wide = Double
#endif
