import Glibc

extension ArraySlice<UInt8> {
    /// Whether these are the bytes of `word`. Names of members are asked this by the dozen for each message; comparing
    /// as sequences would go through iterators, byte by byte.
    func spells(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        // SAFETY: both have `count` bytes, which are read within the closure only.
        return unsafe withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            return unsafe memcmp(start, word.utf8Start, bytes.count) == 0
        }
    }
}
