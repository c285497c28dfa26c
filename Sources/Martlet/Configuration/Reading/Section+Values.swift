import MartletBase

extension Section {
    /// The value of a key as `parse` reads its text; what the text must look like is for the error.
    func value<T>(_ key: String, _ form: String, _ parse: (String) -> T?) -> T? {
        item(key).flatMap { value($0, form, parse) }
    }

    func value<T>(_ item: Item, _ form: String, _ parse: (String) -> T?) -> T? {
        guard let text = item.node.text else {
            refuse(item.node.isNull ? "has no value: \(form)" : "\(form), not \(item.node.shown)", at: item)
            return nil
        }
        if let value = parse(text) { return value }
        refuse("\(form), not \(item.node.shown)", at: item)
        return nil
    }

    /// Any text but an empty one or one with control characters.
    func text(_ key: String) -> String? {
        item(key).flatMap { text($0) }
    }

    func text(_ item: Item) -> String? {
        value(item, "must be a text without control characters") { text in
            text.isEmpty || text.unicodeScalars.contains { $0.properties.generalCategory == .control } ? nil : text
        }
    }

    /// A text that no error shows.
    func secret(_ key: String) -> Secret? {
        item(key).flatMap { secret($0) }
    }

    func secret(_ item: Item) -> Secret? {
        guard let text = item.node.text, HeaderText.isValue(text), !text.isEmpty else {
            refuse("must be a text that an HTTP header can hold: not empty, no control characters", at: item)
            return nil
        }
        return Secret(text)
    }

    /// A key or token: one word, because a space would end it where it is sent.
    func token(_ key: String) -> Secret? {
        guard let item = self.item(key), let secret = secret(item) else { return nil }
        guard !secret.exposed.contains(" ") else {
            refuse("must be one word without spaces", at: item)
            return nil
        }
        return secret
    }

    func flag(_ key: String) -> Bool? {
        value(key, "must be true or false") { text in
            switch text.lowercased() {
            case "true", "yes", "on": true
            case "false", "no", "off": false
            default: nil
            }
        }
    }

    /// One of the words of an enumeration.
    func choice<T: CaseIterable & RawRepresentable<String>>(_ key: String, _ type: T.Type) -> T? {
        let words = T.allCases.map(\.rawValue)
        guard let item = self.item(key) else { return nil }
        guard let text = item.node.text, let choice = T(rawValue: item.node.isOff ? "off" : text) else {
            let hint = item.node.text.map { Suggestion.hint(for: $0, among: words) } ?? ""
            refuse("must be \(Self.alternatives(words)), not \(item.node.shown)\(hint)", at: item)
            return nil
        }
        return choice
    }

    static func alternatives(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    // MARK: - Numbers

    func count(_ key: String, in range: ClosedRange<Int>) -> Int? {
        item(key).flatMap { count($0, in: range) }
    }

    func count(_ item: Item, in range: ClosedRange<Int>, or word: String? = nil) -> Int? {
        let form = word.map { "must be a whole number or `\($0)`" } ?? "must be a whole number"
        guard let count = value(item, form, { Self.wholeNumber($0) }) else { return nil }
        return bounded(count, in: range, at: item) { "\($0)" }
    }

    /// A count, or a word that stands for having none.
    func count(_ key: String, in range: ClosedRange<Int>, or word: String) -> Int? {
        guard let item = self.item(key), !isWord(word, item) else { return nil }
        return count(item, in: range, or: word)
    }

    func duration(_ key: String, in range: ClosedRange<Duration> = SettingRange.wait) -> Duration? {
        item(key).flatMap { duration($0, in: range) }
    }

    func duration(_ item: Item, in range: ClosedRange<Duration> = SettingRange.wait) -> Duration? {
        let form = "must be a duration with its unit, such as 250ms, 30s or 10m"
        guard let duration = value(item, form, { Duration(text: $0) }) else { return nil }
        return bounded(duration, in: range, at: item) { $0.text }
    }

    func size(_ key: String, in range: ClosedRange<Int>) -> Int? {
        item(key).flatMap { size($0, in: range) }
    }

    func size(_ item: Item, in range: ClosedRange<Int>) -> Int? {
        guard let size = value(item, "must be a size such as 64KiB or 16MiB", { ByteCount.parse($0) }) else {
            return nil
        }
        return bounded(size, in: range, at: item) { ByteCount.text($0) }
    }

    func size(_ key: String, in range: ClosedRange<Int>, or word: String) -> Int? {
        guard let item = self.item(key), !isWord(word, item) else { return nil }
        return size(item, in: range)
    }

    /// A share: `20%` or `0.2`.
    func ratio(_ key: String, in range: ClosedRange<Double>) -> Double? {
        guard let item = self.item(key),
            let ratio = value(item, "must be a share such as 20% or 0.2", { Self.ratio($0) })
        else { return nil }
        return bounded(ratio, in: range, at: item) { Self.text(ratio: $0) }
    }

    /// Whether the value is that word; `off` also in YAML's other ways to say it.
    func isWord(_ word: String, _ item: Item) -> Bool {
        word == "off" ? item.node.isOff : item.node.text == word
    }

    private func bounded<T: Comparable>(_ value: T, in range: ClosedRange<T>, at item: Item, _ text: (T) -> String)
        -> T?
    {
        if range.contains(value) { return value }
        let bound =
            value < range.lowerBound ? "at least \(text(range.lowerBound))" : "at most \(text(range.upperBound))"
        refuse("must be \(bound), not \(item.node.shown)", at: item)
        return nil
    }

    static func wholeNumber(_ text: String) -> Int? {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy(isDigit) else { return nil }
        return Int(text)
    }

    private static func ratio(_ text: String) -> Double? {
        let digits = text.hasSuffix("%") ? text.dropLast() : text[...]
        guard let first = digits.utf8.first, isDigit(first), digits.utf8.count <= 20,
            digits.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }), let number = Double(digits)
        else { return nil }
        return text.hasSuffix("%") ? number / 100 : number
    }

    private static func text(ratio: Double) -> String {
        ratio == ratio.rounded() && ratio < 1e9 ? "\(Int(ratio))" : "\(ratio)"
    }
}

/// Bounds that many keys share. They only keep out what cannot be meant.
enum SettingRange {
    /// Waits that make no sense at zero.
    static let wait: ClosedRange<Duration> = .milliseconds(1) ... .seconds(30 * 86_400)
    /// Waits that may be none.
    static let pause: ClosedRange<Duration> = .zero ... .seconds(30 * 86_400)
    static let count = 1...1_000_000
    static let countOrNone = 0...1_000_000
    static let port = 1...65_535
}
