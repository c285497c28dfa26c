extension ArraySlice<UInt8> {
    /// Whether these are the bytes of `word`. Names of members are asked this by the dozen for each message; comparing
    /// as sequences would go through iterators.
    func spells(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        let span = span
        // SAFETY: the word has as many bytes.
        for place in span.indices where unsafe span[place] != word.utf8Start[place] { return false }
        return true
    }
}
