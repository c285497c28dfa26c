/// Undoes LZString's compression to text that is safe in an address: clients put a configuration into a path with it.
///
/// The text is a stream of bits, six to a character. A code of growing width names an entry of a dictionary that both
/// sides build alike: codes 0 and 1 bring a new character of 8 or 16 bits, 2 is the end, all others stand for what was
/// seen.
enum LZString {
    /// A few thousand characters may stand for many more; a configuration is no longer than this, in UTF-16.
    static let bound = 1 << 20

    private static let end = 2

    /// nil: it is no compressed text, or stands for too much.
    static func decompressed(_ text: String) -> String? {
        var bits = Bits(text)
        guard let first = bits.number(2), first <= end else { return nil }
        guard first < end else { return "" }
        guard let unit = bits.unit(first) else { return nil }
        var entries: [[UInt16]] = [[], [], [], [unit]]
        var (previous, whole) = ([unit], [unit])
        var (width, room) = (3, 4)
        func grow() {
            room -= 1
            if room == 0 { (room, width) = (1 << width, width + 1) }
        }
        while var code = bits.number(width) {
            if code == end { return String(decoding: whole, as: UTF16.self) }
            if code < end {
                guard let unit = bits.unit(code) else { return nil }
                entries.append([unit])
                code = entries.count - 1
                grow()
            }
            guard code <= entries.count else { return nil }
            let entry = code < entries.count ? entries[code] : previous + previous.prefix(1)
            whole += entry
            guard whole.count <= bound else { return nil }
            entries.append(previous + entry.prefix(1))
            previous = entry
            grow()
        }
        return nil
    }

    /// Bits of the text, the highest of each character first; numbers have their lowest bit first.
    private struct Bits {
        private static let values: [UInt8: UInt8] = {
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
            return Dictionary(alphabet.utf8.enumerated().map { ($1, UInt8($0)) }) { $1 }
        }()

        private let text: [UInt8?]
        private var position = 0

        init(_ text: String) {
            // Servers that undo form encoding make spaces of the plus signs.
            self.text = text.utf8.map { Self.values[$0 == UInt8(ascii: " ") ? UInt8(ascii: "+") : $0] }
        }

        mutating func number(_ width: Int) -> Int? {
            var found = 0
            for power in 0..<width {
                guard position / 6 < text.count, let value = text[position / 6] else { return nil }
                found |= Int(value >> UInt8(5 - position % 6) & 1) << power
                position += 1
            }
            return found
        }

        /// A new character, whose width the code says.
        mutating func unit(_ code: Int) -> UInt16? { number(code == 0 ? 8 : 16).map { UInt16(truncatingIfNeeded: $0) } }
    }
}
