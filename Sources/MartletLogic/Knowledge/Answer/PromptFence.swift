import MartletBase

/// Lines around text that is data: nothing in it can be taken for one of them.
struct PromptFence: Sendable, Equatable {
    /// Stands in each line of the fence and in none of the texts.
    let mark: String

    /// The mark comes from the texts, so that nobody who wrote one of them can know it, and is not in any of them, so
    /// that it does not matter.
    init(around texts: [String]) {
        var hash = FNV1a()
        for text in texts { for byte in text.utf8 { hash.add(byte) } }
        var mark = Self.mark(hash.value)
        while texts.contains(where: { Self.contains($0, mark) }) {
            for byte in mark.utf8 { hash.add(byte) }
            mark = Self.mark(hash.value)
        }
        self.mark = mark
    }

    func source(_ number: Int, name: String, text: String) -> String {
        // A name stands in the fence's own line: it has no line ends and no angle brackets there.
        let name = String(name.map { $0.isNewline || "<>\"".contains($0) ? " " : $0 })
        return "<source-\(mark) n=\"\(number)\" name=\"\(name)\">\n\(text)\n</source-\(mark)>"
    }

    private static func mark(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Byte by byte: what looks different to Swift may look the same to a model.
    private static func contains(_ text: String, _ mark: String) -> Bool {
        let (text, mark) = (Array(text.utf8), Array(mark.utf8))
        guard text.count >= mark.count else { return false }
        return (0...text.count - mark.count).contains { text[$0..<$0 + mark.count].elementsEqual(mark) }
    }
}
