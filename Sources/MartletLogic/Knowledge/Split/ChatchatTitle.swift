/// Chatchat's `zh_title_enhance`: what a chunk that looks like a title says of those that follow it.
enum ChatchatTitle {
    private static let longest = 20
    /// So many characters from the beginning, one has to be a number.
    private static let numbered = 5

    static func announce(in chunks: inout [Chunk]) {
        var title: String?
        for index in chunks.indices {
            if isTitle(chunks[index].text) {
                title = chunks[index].text
            } else if let title {
                chunks[index].text = "下文与(\(title))有关。\(chunks[index].text)"
            }
        }
    }

    static func isTitle(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars.prefix(longest + 1))
        guard let last = scalars.last, scalars.count <= longest else { return false }
        guard PythonCharacter.isWord(last) || PythonCharacter.isSpace(last) else { return false }
        let inked = scalars.filter { !PythonCharacter.isSpace($0) }
        let letters = inked.filter(PythonCharacter.isAlphabetic)
        guard letters.count * 2 >= inked.count else { return false }
        return !scalars.allSatisfy(PythonCharacter.isNumeric)
            && scalars.prefix(numbered).contains(where: PythonCharacter.isNumeric)
    }
}
