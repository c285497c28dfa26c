import Glibc

/// Converts text to UTF-8 in pieces, however they are cut, by the C library's iconv.
///
/// Made, used and closed on one thread.
@safe final class TextConverter {
    /// Bytes that are not of the encoding.
    struct NotOfIt: Error {}

    private static let roomBytes = 128 << 10

    private let handle: iconv_t
    /// The beginning of a character that the next piece goes on with.
    private var rest: [UInt8] = []
    private var room = [UInt8](repeating: 0, count: roomBytes)

    /// nil: iconv does not know the encoding.
    init?(from name: String) {
        // SAFETY: both names live through the call.
        guard let handle = unsafe iconv_open("UTF-8", name), Int(bitPattern: handle) != -1 else { return nil }
        unsafe self.handle = handle
    }

    deinit {
        // SAFETY: opened by `init`, closed once.
        _ = unsafe iconv_close(handle)
    }

    /// - Parameter body: gets the text, in one piece or several.
    /// - Throws: `NotOfIt`, and what `body` throws.
    func convert(_ chunk: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        var input = rest + chunk
        var used = 0
        while used < input.count {
            let step = step(&input, from: used)
            used += step.used
            if step.written > 0 { try body(room[..<step.written]) }
            switch step.error {
            case 0, E2BIG: continue
            case EINVAL:
                rest = Array(input[used...])
                // No character is as long as this.
                guard rest.count < 16 else { throw NotOfIt() }
                return
            default: throw NotOfIt()
            }
        }
        rest = []
    }

    /// - Throws: `NotOfIt`: the text ends within a character.
    func finish() throws {
        guard rest.isEmpty else { throw NotOfIt() }
    }

    private func step(_ input: inout [UInt8], from start: Int) -> (used: Int, written: Int, error: CInt) {
        // SAFETY: iconv reads and writes between the pointers and the counts it is given, within both arrays, which
        // live through the call; it sees their bytes as its own kind of bytes.
        unsafe input.withUnsafeMutableBytes { input in
            unsafe room.withUnsafeMutableBytes { output in
                // SAFETY: as above.
                var from = unsafe input.baseAddress.map { unsafe ($0 + start).assumingMemoryBound(to: CChar.self) }
                var to = unsafe output.baseAddress?.assumingMemoryBound(to: CChar.self)
                var (left, free) = (input.count - start, output.count)
                // SAFETY: as above.
                let isDone = unsafe iconv(handle, &from, &left, &to, &free) != -1
                return (input.count - start - left, output.count - free, isDone ? 0 : errno)
            }
        }
    }
}
