/// Writes texts as a SentencePiece model wants them: replaced by the model's own rules (NFKC and more), blanks
/// squeezed and shown as `▁`, one in front.
///
/// The rules are a double array trie of UTF-8 keys (Darts) and, behind it, the replacements, each ended by a zero.
struct PieceNormalizer: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]
    private static let blank = Array("▁".utf8)
    private static let space = UInt8(ascii: " ")

    /// - Parameter charsmap: Empty: nothing is replaced.
    init(charsmap: [UInt8]) throws(ModelFile.Flaw) {
        guard !charsmap.isEmpty else {
            (units, replacements) = ([], [])
            return
        }
        let file = ModelFile(charsmap)
        let bytes = try file.count(at: 0, size: 4)
        guard bytes % 4 == 0, bytes <= charsmap.count - 4 else { throw ModelFile.Flaw(reason: "its rules are cut off") }
        var units: [UInt32] = []
        units.reserveCapacity(bytes / 4)
        for place in stride(from: 4, to: 4 + bytes, by: 4) {
            units.append(UInt32(truncatingIfNeeded: try file.number(at: place, size: 4)))
        }
        self.units = units
        replacements = Array(charsmap[(4 + bytes)...])
    }

    /// UTF-8; empty where nothing but blanks is left.
    func normalize(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + bytes.count / 8 + 3)
        var isAfterBlank = true
        var place = 0
        while place < bytes.count {
            let step = step(bytes, at: place)
            place += step.count
            var part = step.text
            if isAfterBlank { part = part.drop { $0 == Self.space } }
            guard let last = part.last else { continue }
            if out.isEmpty { out += Self.blank }
            for byte in part {
                if byte == Self.space { out += Self.blank } else { out.append(byte) }
            }
            isAfterBlank = last == Self.space
        }
        while out.count >= 3, out[(out.count - 3)...].elementsEqual(Self.blank) { out.removeLast(3) }
        return out
    }

    /// What the longest rule that fits here writes, and how many bytes it takes; the character itself where none does.
    private func step(_ bytes: [UInt8], at place: Int) -> (text: ArraySlice<UInt8>, count: Int) {
        var found: (count: Int, value: Int)?
        if !units.isEmpty {
            var node = Self.offset(units[0])
            var index = place
            while index < bytes.count {
                node ^= Int(bytes[index])
                guard node < units.count, units[node] & 0x8000_00ff == UInt32(bytes[index]) else { break }
                let unit = units[node]
                node ^= Self.offset(unit)
                index += 1
                if unit & 0x100 != 0, node < units.count {
                    found = (index - place, Int(units[node] & 0x7fff_ffff))
                }
            }
        }
        guard let found, found.value < replacements.count else {
            let count = Self.characterBytes(bytes[place])
            return (bytes[place..<place + count], count)
        }
        let end = replacements[found.value...].firstIndex(of: 0) ?? replacements.endIndex
        return (replacements[found.value..<end], found.count)
    }

    private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }

    /// Of valid UTF-8, by its first byte.
    static func characterBytes(_ first: UInt8) -> Int {
        switch first {
        case 0xc0..<0xe0: 2
        case 0xe0..<0xf0: 3
        case 0xf0...: 4
        default: 1
        }
    }
}
