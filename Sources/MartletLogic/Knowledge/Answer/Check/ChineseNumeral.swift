/// Numbers in Chinese characters.
enum ChineseNumeral {
    static func isPart(_ scalar: Unicode.Scalar) -> Bool {
        DetailWords.digits[scalar] != nil || DetailWords.places[scalar] != nil || DetailWords.groups[scalar] != nil
    }

    /// 一千二百 and 十五 and 三; nil: not written that way (万一, 三五, 百).
    static func value(_ run: some Collection<Unicode.Scalar>) -> Int? {
        var (total, group) = (0, 0)
        var digit: Int?
        var place = Int.max
        var groupPlace = Int.max
        var isPlain = true
        for (offset, scalar) in run.enumerated() {
            if let next = DetailWords.digits[scalar] {
                // 〇 fills a gap, any other digit needs its place.
                guard digit == nil || digit == 0 else { return nil }
                digit = next
            } else if let next = DetailWords.places[scalar] {
                // 十五 has no digit before its place.
                guard next < place, digit != nil || next == 10 && offset == 0 else { return nil }
                (group, digit, place, isPlain) = (group + (digit ?? 1) * next, nil, next, false)
            } else if let next = DetailWords.groups[scalar] {
                let count = group + (digit ?? 0)
                guard count > 0, next < groupPlace else { return nil }
                (total, group, digit, place, groupPlace, isPlain) = (total + count * next, 0, nil, Int.max, next, false)
            } else {
                return nil
            }
        }
        // 十 alone is "very" or "the tenth" as often as ten; the reader asks what it counts.
        guard !isPlain || run.count == 1 else { return nil }
        return total + group + (digit ?? 0)
    }

    /// 二〇二四, digit by digit; nil: fewer than three of them.
    static func sequence(_ run: some Collection<Unicode.Scalar>) -> Int? {
        guard 3...12 ~= run.count else { return nil }
        var number = 0
        for scalar in run {
            guard let digit = DetailWords.digits[scalar], digit != 2 || scalar != "两" else { return nil }
            number = number * 10 + digit
        }
        return number
    }
}
