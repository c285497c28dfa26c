/// Something that a sentence gets right or wrong: a number, a date, a time, a name made of signs.
struct Detail: Sendable, Equatable {
    enum Value: Sendable, Hashable {
        case number(Numeral, unit: Unit?)
        case date(year: Int?, month: Int?, day: Int?)
        /// Of a day of 24 hours.
        case time(hour: Int, minute: Int)
        /// An identifier, small, without the blanks and dashes that people write or leave out.
        case name(String)
    }

    /// What is counted. Units that are not known count anything.
    enum Unit: Sendable, Hashable {
        case year, month, week, day, workday, hour, minute, second
        case percent, yuan, dollar, euro, person, times
        case kilometre, metre, centimetre, millimetre, kilogram, gram, tonne, degree
        case kilobyte, megabyte, gigabyte, terabyte
    }

    var value: Value
    /// Of the text it was read from.
    var range: Range<Int>
}

extension Detail.Value {
    /// Whether a source that says `other` bears this out. A part of it may be left unsaid (2024年5月 of 2024-05-01),
    /// nothing may be added.
    func isBorneOut(by other: Self) -> Bool {
        switch (self, other) {
        case (.number(let own, let unit), .number(let theirs, let theirUnit)):
            return own == theirs && (unit == nil || theirUnit == nil || unit == theirUnit)
        case (.number(let own, nil), .date(let year?, _, _)):
            return own == Numeral(year)
        case (.date(let year?, nil, nil), .number(let theirs, nil)):
            return Numeral(year) == theirs
        case (.date(let year, let month, let day), .date(let theirYear, let theirMonth, let theirDay)):
            return (year == nil || year == theirYear) && (month == nil || month == theirMonth)
                && (day == nil || day == theirDay)
        case (.time, .time), (.name, .name):
            return self == other
        default:
            return false
        }
    }
}

/// A decimal number, exactly: 1,000 and 1000.0 and 一千 are one.
struct Numeral: Sendable, Hashable {
    /// Without zeros at either end; empty: zero.
    private let digits: [UInt8]
    /// The power of ten that the last digit stands for.
    private let exponent: Int
    private let isNegative: Bool

    /// - Parameters:
    ///   - digits: 0...9 each, the highest first.
    ///   - exponent: The power of ten that the last of them stands for.
    init(_ digits: [UInt8], exponent: Int = 0, isNegative: Bool = false) {
        let last = digits.lastIndex { $0 != 0 } ?? -1
        self.digits = Array(digits[...last].drop { $0 == 0 })
        self.exponent = self.digits.isEmpty ? 0 : exponent + digits.count - 1 - last
        self.isNegative = isNegative && !self.digits.isEmpty
    }

    init(_ number: Int) {
        self.init(String(number.magnitude).utf8.map { $0 - 0x30 }, isNegative: number < 0)
    }

    func times(tenTo power: Int) -> Numeral { Numeral(digits, exponent: exponent + power, isNegative: isNegative) }

    var negated: Numeral { Numeral(digits, exponent: exponent, isNegative: !isNegative) }

    /// nil: it has a fraction or is too large.
    var whole: Int? {
        guard exponent >= 0, digits.count + exponent <= 15 else { return nil }
        let number = digits.reduce(0) { $0 * 10 + Int($1) }
        let whole = (0..<exponent).reduce(number) { product, _ in product * 10 }
        return isNegative ? -whole : whole
    }
}
