/// How much a JSON text becomes when it is taken apart.
enum JSONSize {
    /// At most so many values, of whatever kind, are in the text.
    static func values(in text: some Sequence<UInt8>) -> Int {
        var count = 1
        var isInString = false
        var isEscaped = false
        for byte in text {
            if isEscaped {
                isEscaped = false
            } else if isInString {
                if byte == UInt8(ascii: "\\") { isEscaped = true }
                if byte == UInt8(ascii: "\"") { isInString = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "{"): count += 1
                default: break
                }
            }
        }
        return count
    }
}
