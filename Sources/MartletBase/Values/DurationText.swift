extension Duration {
    /// Reads `250ms`, `30s`, `10m`, `2h` (also fractions, `1.5s`); nil for anything else, a bare number included.
    public init?(text: some StringProtocol) {
        let units: [(suffix: String, seconds: Double)] = [
            ("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard let first = digits.first, first.isNumber, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
            let count = Double(digits), count * unit.seconds <= 1e9
        else { return nil }
        // Whole nanoseconds: what a Double is off by would show when the text is written again.
        self = .nanoseconds(Int64((count * unit.seconds * 1e9).rounded()))
    }

    /// Reads what ``init(text:)`` reads, or a bare number of seconds up to a million: what callers write into headers.
    /// Nothing at all (`0`, `0s`) is nil like everything else that is not more than zero: many a client means *none*.
    public init?(textOrSeconds text: some StringProtocol) {
        if let duration = Duration(text: text) {
            guard duration > .zero else { return nil }
            self = duration
        } else if let seconds = Double(text), seconds > 0, seconds < 1e6 {
            self = .seconds(seconds)
        } else {
            return nil
        }
    }

    /// The shortest form that `init(text:)` reads back, such as `1500ms` or `10m`.
    public var text: String {
        let nanoseconds = wholeNanoseconds
        let units: [(suffix: String, nanoseconds: Int64)] = [
            ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000),
        ]
        for unit in units where nanoseconds != 0 && nanoseconds % unit.nanoseconds == 0 {
            return "\(nanoseconds / unit.nanoseconds)\(unit.suffix)"
        }
        return nanoseconds == 0 ? "0s" : "\(Int64((Double(nanoseconds) / 1000).rounded()))us"
    }
}
