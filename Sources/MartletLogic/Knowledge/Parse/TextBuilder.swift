/// Puts a document's text together and counts its offsets.
public struct TextBuilder: Sendable {
    /// What is appended goes through here, so that the text grows in large steps.
    private static let stepBytes = 32 << 10

    private var whole = ""
    private var step: [UInt8] = []
    /// Unicode scalars so far.
    public private(set) var offset = 0
    /// In UTF-8, so far.
    public private(set) var bytes = 0

    /// - Parameter capacity: room for so many bytes, asked for at once: growing would copy all of a large text, and
    ///   what is not written to costs no memory.
    public init(capacity: Int = 0) {
        whole.reserveCapacity(capacity)
        step.reserveCapacity(Self.stepBytes)
    }

    public mutating func append(_ piece: some StringProtocol) {
        append(utf8: piece.utf8)
    }

    /// Whole characters in valid UTF-8; anything else becomes U+FFFD, and offsets are no longer right. U+0000 becomes a
    /// blank: a database ends a text there.
    public mutating func append(utf8 piece: some Collection<UInt8>) {
        for byte in piece where byte & 0xc0 != 0x80 { offset += 1 }
        bytes += piece.count
        if piece.contains(0) {
            step.append(contentsOf: piece.lazy.map { $0 == 0 ? 0x20 : $0 })
        } else {
            step.append(contentsOf: piece)
        }
        if step.count >= Self.stepBytes { flush() }
    }

    /// The text; the builder is empty then.
    public mutating func finish() -> String {
        flush()
        offset = 0
        bytes = 0
        defer { whole = "" }
        return whole
    }

    /// A text that was put together elsewhere, as this writes it: no offset in it changes.
    public static func text(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        var builder = TextBuilder(capacity: text.utf8.count)
        builder.append(text)
        return builder.finish()
    }

    private mutating func flush() {
        whole += String(decoding: step, as: UTF8.self)
        step.removeAll(keepingCapacity: true)
    }
}
