/// What HTTP allows in a header, and what Martlet lets an operator set.
enum HeaderText {
    /// Headers that belong to one connection or frame the body: the codec writes them, nobody else may.
    static let reserved: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// RFC 9110's `token`.
    static func isName(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.count <= 256
            && text.utf8.allSatisfy { isDigit($0) || isLetter($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }

    /// No control characters, no space around it.
    static func isValue(_ text: some StringProtocol) -> Bool {
        let isPrintable = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
        return isPrintable && text.utf8.count <= 8192 && !isSpace(text.utf8.first)
            && !isSpace(text.utf8.reversed().first)
    }

    private static func isSpace(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
}
