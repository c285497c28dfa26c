/// Tells what a model thinks from what it says, as its text comes in pieces cut anywhere.
///
/// Between `<think>` and `</think>` it thinks (`<thinking>` as well); a model whose template has begun to think already
/// only ends it. Marks inside of what it says later are its own text: it thinks before it answers, or not at all.
public struct ReasoningSplitter: Sendable {
    public enum Piece: Sendable, Equatable {
        case reasoning(String)
        case text(String)
    }

    private enum State: Sendable { case beginning, thinking, answering }

    private static let openings = ["<think>", "<thinking>"].map { Array($0.utf8) }
    private static let closings = ["</think>", "</thinking>"].map { Array($0.utf8) }

    private var state: State
    /// What may be the beginning of a mark, or of a scalar.
    private var held: [UInt8] = []
    /// Blanks that open an answer, or follow a mark, are nobody's.
    private var trims = true

    /// - Parameter thinksAtOnce: The model's template has the opening mark in the prompt.
    public init(thinksAtOnce: Bool = false) {
        state = thinksAtOnce ? .thinking : .beginning
    }

    /// The next bytes of the stream, UTF-8, cut anywhere.
    public mutating func read(_ bytes: some Sequence<UInt8>) -> [Piece] {
        held.append(contentsOf: bytes)
        var pieces: [Piece] = []
        while step(&pieces) {}
        return pieces
    }

    public mutating func read(_ text: String) -> [Piece] { read(text.utf8) }

    /// The stream has ended: what was held back is text, or the thoughts of one who was cut off.
    public mutating func end() -> [Piece] {
        var pieces: [Piece] = []
        give(held.count, to: &pieces)
        return pieces
    }

    /// - Returns: whether there may be more.
    private mutating func step(_ pieces: inout [Piece]) -> Bool {
        switch state {
        case .beginning:
            held = Array(held.drop(while: Self.isBlank))
            guard !held.isEmpty else { return false }
            if let mark = Self.openings.first(where: { held.starts(with: $0) }) {
                held.removeFirst(mark.count)
                (state, trims) = (.thinking, true)
                return true
            }
            guard !Self.openings.contains(where: { $0.starts(with: held) }) else { return false }
            state = .answering
            return true
        case .thinking:
            if let (start, count) = closing() {
                give(start, to: &pieces)
                held.removeFirst(count)
                (state, trims) = (.answering, true)
                return true
            }
            give(held.count - heldBack(), to: &pieces)
            return false
        case .answering:
            give(held.count - incompleteScalar(), to: &pieces)
            return false
        }
    }

    private func closing() -> (start: Int, count: Int)? {
        for start in held.indices where held[start] == UInt8(ascii: "<") {
            if let mark = Self.closings.first(where: { held[start...].starts(with: $0) }) { return (start, mark.count) }
        }
        return nil
    }

    /// How many of the last bytes may be the beginning of a closing mark, or of a scalar.
    private func heldBack() -> Int {
        if let start = held.lastIndex(of: UInt8(ascii: "<")),
            Self.closings.contains(where: { $0.starts(with: held[start...]) })
        {
            return held.count - start
        }
        return incompleteScalar()
    }

    private func incompleteScalar() -> Int {
        for back in 1...3 where back <= held.count {
            let byte = held[held.count - back]
            guard byte & 0xc0 != 0x80 else { continue }
            let length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }

    private mutating func give(_ count: Int, to pieces: inout [Piece]) {
        var bytes = held[..<count]
        held = Array(held[count...])
        if trims { bytes = bytes.drop(while: Self.isBlank) }
        guard !bytes.isEmpty else { return }
        trims = false
        let text = String(decoding: bytes, as: UTF8.self)
        pieces.append(state == .thinking ? .reasoning(text) : .text(text))
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }
}
