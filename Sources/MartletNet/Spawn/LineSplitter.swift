/// Cuts a stream of bytes into lines, each bounded.
///
/// A line longer than the bound is delivered once, cut there and marked with `…`; the rest of it is dropped.
package struct LineSplitter {
    private let limit: Int
    private var line: [UInt8] = []
    private var isCut = false

    /// - Parameter limit: The longest line that is kept whole, in bytes.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Takes the next bytes and hands each line that they complete to `deliver`; empty lines are left out.
    package mutating func take(_ bytes: some Sequence<UInt8>, deliver: (String) -> Void) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                finish(deliver: deliver)
            default:
                if line.count < limit { line.append(byte) } else { isCut = true }
            }
        }
    }

    /// The stream ended: delivers what is left.
    package mutating func finish(deliver: (String) -> Void) {
        defer {
            line.removeAll(keepingCapacity: true)
            isCut = false
        }
        guard !line.isEmpty else { return }
        let text = String(decoding: line, as: UTF8.self)
        deliver(isCut ? text + "…" : text)
    }
}
