/// Which encodings a text may be in, the likeliest first, as names that iconv knows.
public enum TextEncoding {
    /// What its first bytes are; nil: no mark.
    public static func mark(_ head: ArraySlice<UInt8>) -> (name: String, bytes: Int)? {
        if head.starts(with: [0xef, 0xbb, 0xbf]) { return ("UTF-8", 3) }
        if head.starts(with: [0xff, 0xfe]) { return ("UTF-16LE", 2) }
        if head.starts(with: [0xfe, 0xff]) { return ("UTF-16BE", 2) }
        return nil
    }

    /// - Parameters:
    ///   - sample: of the text, from its beginning.
    ///   - declared: what the text itself says, such as `gb2312`.
    ///   - guessed: what a detector says of it.
    /// - Returns: empty: it is no text.
    public static func candidates(
        _ sample: ArraySlice<UInt8>, declared: String? = nil, guessed: String? = nil
    ) -> [String] {
        if let mark = mark(sample) { return [mark.name] }
        if sample.contains(0) { return wide(sample).map { [$0] } ?? [] }
        let controls = sample.count { $0 < 0x20 && !(0x09...0x0d ~= $0) && $0 != 0x1b }
        guard controls * 100 <= sample.count else { return [] }
        var names = ["UTF-8"]
        if let declared { names.append(canonical(declared)) }
        let guess = guessed.map(canonical)
        // Of a few words of Chinese a detector makes Korean, or any language with accents, and it takes one of the
        // Chinese encodings for the other.
        let looksSimplified = share(sample) { 0xa1...0xa3 ~= $0 && $1 >= 0xa1 || 0xb0...0xd7 ~= $0 && $1 >= 0xa1 } > 0.9
        let looksTraditional = !looksSimplified && share(sample) { 0xa1...0xc6 ~= $0 && $1 >= 0x40 } > 0.9
        if looksSimplified, sample.count(where: { $0 >= 0x80 }) < 200 { names.append("GB18030") }
        if looksTraditional, guess == "GB18030" { names.append("BIG5-HKSCS") }
        if let guess, isMultibyte(guess) { names.append(guess) }
        if looksSimplified { names.append("GB18030") }
        if looksTraditional { names.append("BIG5-HKSCS") }
        if let guess { names.append(guess) }
        names += ["GB18030", "BIG5-HKSCS"]
        return names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// UTF-16 without a mark: the half of each ASCII character that is zero always stands on the same side.
    private static func wide(_ sample: ArraySlice<UInt8>) -> String? {
        var zeros = [0, 0]
        for (index, byte) in sample.enumerated() where byte == 0 { zeros[index & 1] += 1 }
        if zeros[0] == 0 { return "UTF-16LE" }
        return zeros[1] == 0 ? "UTF-16BE" : nil
    }

    /// The share of characters beyond ASCII whose two bytes are those of punctuation or a common character.
    private static func share(_ sample: ArraySlice<UInt8>, isCommon: (UInt8, UInt8) -> Bool) -> Double {
        var (common, all) = (0, 0)
        var index = sample.startIndex
        while index + 1 < sample.endIndex {
            let (lead, next) = (sample[index], sample[index + 1])
            if lead < 0x80 {
                index += 1
            } else if 0x30...0x39 ~= next {
                // Four bytes of GB 18030: one of the rare characters, which say nothing.
                index += 4
            } else {
                all += 1
                if isCommon(lead, next) { common += 1 }
                index += next < 0x40 ? 1 : 2
            }
        }
        return all == 0 ? 0 : Double(common) / Double(all)
    }

    /// The larger set where one contains the other: many files say `gb2312` and are not.
    private static func canonical(_ name: String) -> String {
        switch name.uppercased() {
        case "GB2312", "GBK", "GB_2312-80", "X-GBK", "CP936":
            "GB18030"
        case "BIG5", "BIG-5", "CP950": "BIG5-HKSCS"
        case "ISO-8859-1", "LATIN1", "US-ASCII", "ASCII": "WINDOWS-1252"
        case "SHIFT_JIS", "SHIFT-JIS", "SJIS", "X-SJIS": "CP932"
        case let other: other
        }
    }

    private static func isMultibyte(_ name: String) -> Bool {
        ["GB", "BIG5", "CP932", "EUC", "ISO-2022", "UHC", "UTF", "HZ"].contains { name.hasPrefix($0) }
    }
}
