/// Doubles as Redis 7.0 writes them: seventeen significant digits, as many as tell any two doubles apart, without
/// trailing zeros (C's `%.17g`).
public enum RESPDouble {
    private static let digitCount = 17

    public static func text(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        let sign = value.sign == .minus ? "-" : ""
        let magnitude = value.magnitude
        // Most scores are whole numbers. Below 10^17 these have no digit to round.
        if magnitude < 1e17, magnitude == magnitude.rounded(.down) { return sign + String(UInt64(magnitude)) }
        var (digits, exponent) = significantDigits(magnitude)
        while digits.last == 0 { digits.removeLast() }
        return sign + (exponent < -4 || exponent >= digitCount ? scientific(digits, exponent) : fixed(digits, exponent))
    }

    /// What ``text(_:)`` and other servers write; nil for anything else.
    public static func value(_ text: String) -> Double? {
        switch text {
        case "inf", "+inf": return .infinity
        case "-inf": return -.infinity
        case "nan", "-nan": return .nan
        default:
            let isNumber = text.utf8.allSatisfy { byte in
                Characters.digits.contains(byte) || "+-.eE".utf8.contains(byte)
            }
            return isNumber ? Double(text) : nil
        }
    }

    private static func fixed(_ digits: [UInt8], _ exponent: Int) -> String {
        guard exponent >= 0 else { return "0." + String(repeating: "0", count: -exponent - 1) + text(digits[...]) }
        guard digits.count > exponent + 1 else {
            return text(digits[...]) + String(repeating: "0", count: exponent + 1 - digits.count)
        }
        return text(digits[...exponent]) + "." + text(digits[(exponent + 1)...])
    }

    private static func scientific(_ digits: [UInt8], _ exponent: Int) -> String {
        let mantissa = text(digits[..<1]) + (digits.count > 1 ? "." + text(digits[1...]) : "")
        let power = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
        return mantissa + (exponent < 0 ? "e-" : "e+") + power
    }

    private static func text(_ digits: ArraySlice<UInt8>) -> String {
        String(decoding: digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
    }

    /// The digits of a positive number, correctly rounded, and the power of ten of the first one.
    ///
    /// The number is kept as a fraction of two natural numbers, exactly; each digit is what the fraction has before the
    /// point.
    private static func significantDigits(_ value: Double) -> (digits: [UInt8], exponent: Int) {
        let power = Int(value.exponent) - Double.significandBitCount
        let significand = UInt64(value.significandBitPattern) | (value.isNormal ? 1 << Double.significandBitCount : 0)
        var numerator = Natural(significand)
        var denominator = Natural(1)
        // What `exponent` says of a subnormal number is its first bit; its unit is that of the smallest normal one.
        let unit = value.isNormal ? power : Int(Double.leastNormalMagnitude.exponent) - Double.significandBitCount
        if unit >= 0 { numerator.shiftLeft(unit) } else { denominator.shiftLeft(-unit) }

        // One too low at worst: the logarithm of the first bit is below that of the number.
        var exponent = Int((Double(value.exponent) * 0.30102999566398).rounded(.down))
        for _ in 0..<max(0, exponent) { denominator.multiply(by: 10) }
        for _ in 0..<max(0, -exponent) { numerator.multiply(by: 10) }
        var ten = denominator
        ten.multiply(by: 10)
        if !(numerator < ten) {
            exponent += 1
            denominator = ten
        }

        var digits: [UInt8] = []
        for _ in 0..<digitCount {
            digits.append(numerator.takeQuotient(of: denominator))
            numerator.multiply(by: 10)
        }
        // What is left, times ten, against a half, times ten; a tie goes to the even digit.
        var half = denominator
        half.multiply(by: 5)
        if half < numerator || (!(numerator < half) && digits[digitCount - 1] % 2 == 1) {
            exponent += roundUp(&digits)
        }
        return (digits, exponent)
    }

    /// One when all digits were nines, else zero.
    private static func roundUp(_ digits: inout [UInt8]) -> Int {
        for index in digits.indices.reversed() {
            guard digits[index] == 9 else {
                digits[index] += 1
                return 0
            }
            digits[index] = 0
        }
        digits[0] = 1
        return 1
    }
}

/// A natural number of any size, as little as the digits of doubles need of it.
private struct Natural: Comparable {
    /// The lowest first, none of the highest zero.
    private var limbs: [UInt32]

    init(_ value: UInt64) {
        limbs = [UInt32(truncatingIfNeeded: value), UInt32(value >> 32)]
        trim()
    }

    mutating func multiply(by factor: UInt32) {
        var carry: UInt64 = 0
        for index in limbs.indices {
            carry += UInt64(limbs[index]) * UInt64(factor)
            limbs[index] = UInt32(truncatingIfNeeded: carry)
            carry >>= 32
        }
        if carry > 0 { limbs.append(UInt32(carry)) }
    }

    mutating func shiftLeft(_ bits: Int) {
        multiply(by: 1 << UInt32(bits % 32))
        limbs.insert(contentsOf: repeatElement(0, count: bits / 32), at: 0)
    }

    /// Divides, when the quotient is known to be a digit; the remainder stays.
    mutating func takeQuotient(of divisor: Natural) -> UInt8 {
        var quotient: UInt8 = 0
        while !(self < divisor) {
            subtract(divisor)
            quotient += 1
        }
        return quotient
    }

    private mutating func subtract(_ other: Natural) {
        var borrow: Int64 = 0
        for index in limbs.indices {
            borrow += Int64(limbs[index]) - Int64(index < other.limbs.count ? other.limbs[index] : 0)
            limbs[index] = UInt32(truncatingIfNeeded: borrow)
            borrow >>= 32
        }
        trim()
    }

    private mutating func trim() {
        while limbs.last == 0 { limbs.removeLast() }
    }

    static func < (lhs: Natural, rhs: Natural) -> Bool {
        guard lhs.limbs.count == rhs.limbs.count else { return lhs.limbs.count < rhs.limbs.count }
        for index in lhs.limbs.indices.reversed() where lhs.limbs[index] != rhs.limbs[index] {
            return lhs.limbs[index] < rhs.limbs[index]
        }
        return false
    }
}
