/// How a spreadsheet shows the number of a cell.
public enum SheetFormat: Sendable, Equatable {
    case number
    case percent
    case date
    case time
    case moment

    /// - Parameters:
    ///   - id: of the format; those below 164 are built in.
    ///   - code: of one that the workbook brings, such as `yyyy"年"m"月"d"日"`.
    public init(id: Int, code: String?) {
        switch (id, code) {
        case (_, let code?): self = Self.parse(code)
        case (9...10, _): self = .percent
        case (14...17, _), (27...31, _), (36, _), (50...54, _), (57...58, _): self = .date
        case (18...21, _), (32...35, _), (45...47, _), (55...56, _): self = .time
        case (22, _): self = .moment
        default: self = .number
        }
    }

    private static func parse(_ code: String) -> SheetFormat {
        var plain = ""
        var (isQuoted, isBracketed, isEscaped) = (false, false, false)
        // Only the part for positive numbers.
        for character in code.lowercased() {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch character {
            case "\"": isQuoted.toggle()
            case _ where isQuoted: break
            case "\\", "_", "*": isEscaped = true
            case "[": isBracketed = true
            case "]": isBracketed = false
            // Hours beyond a day: `[h]:mm`. Anything else in brackets is a colour, a condition or a language.
            case "h" where isBracketed: plain.append("h")
            case _ where isBracketed: break
            default: plain.append(character)
            }
            if character == ";", !isQuoted, !isBracketed { break }
        }
        let (hasDay, hasHour) = (plain.contains("y") || plain.contains("d"), plain.contains("h"))
        if plain.contains("general") { return .number }
        if hasDay { return hasHour ? .moment : .date }
        if hasHour || plain.contains("ss") { return .time }
        if plain.contains("m") { return .date }
        return plain.contains("%") ? .percent : .number
    }
}

public enum SheetValue {
    /// A number as people read it: days since 1900 as a date, and no more digits than a spreadsheet shows.
    ///
    /// - Parameter from1904: whether the workbook counts its days from 1904.
    public static func text(_ number: Double, as format: SheetFormat, from1904: Bool = false) -> String {
        switch format {
        case .number: return decimal(number)
        case .percent: return decimal(number * 100) + "%"
        case .time: return number < 0 ? decimal(number) : time(number)
        case .date, .moment:
            // From 1900 up to the year 9999.
            guard 0..<2_958_466 ~= number else { return decimal(number) }
            var day = Int(number.rounded(.down))
            var seconds = Int(((number - Double(day)) * 86_400).rounded())
            if seconds == 86_400 { (day, seconds) = (day + 1, 0) }
            // 1900 had a 29 February in Lotus 1-2-3, and has one in Excel.
            let days = from1904 ? day - 24_107 : day - (day < 60 ? 25_568 : 25_569)
            let date = Self.date(days)
            return format == .date && seconds == 0 ? date : date + " " + time(Double(seconds) / 86_400)
        }
    }

    /// From 0: `B7` is 1.
    public static func column(_ reference: some StringProtocol) -> Int? {
        var column = 0
        for letter in reference.utf8 {
            guard 0x41...0x5a ~= letter else { break }
            column = column * 26 + Int(letter - 0x40)
            guard column <= 16_384 else { return nil }
        }
        return column == 0 ? nil : column - 1
    }

    /// Twelve digits: what is beyond comes of adding tenths in binary.
    private static func decimal(_ number: Double) -> String {
        guard number.isFinite, abs(number) < 9e15 else { return "\(number)" }
        if number == number.rounded() { return "\(Int(number))" }
        guard abs(number) >= 1e-4 else { return "\(number)" }
        var (scale, digits) = (1.0, 0)
        while abs(number) * scale < 1e11, digits < 15 {
            scale *= 10
            digits += 1
        }
        let rounded = (number * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }

    private static func time(_ days: Double) -> String {
        let seconds = Int((min(days, 1e6) * 86_400).rounded())
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
        return twoDigits(hour) + ":" + twoDigits(minute) + (second == 0 ? "" : ":" + twoDigits(second))
    }

    /// - Parameter days: since 1970. After Howard Hinnant's `civil_from_days`.
    private static func date(_ days: Int) -> String {
        let shifted = days + 719_468
        let (era, dayOfEra) = (shifted / 146_097, shifted % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(year)-" + twoDigits(month) + "-" + twoDigits(day)
    }

    private static func twoDigits(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
}
