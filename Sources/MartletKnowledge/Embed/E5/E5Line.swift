import Glibc

/// What is said between ``E5Encoder`` and its child, over a socket that blocks.
///
/// To the child: role (one byte), bytes of the text (four, the lowest first), the text. Back: number of floats (four
/// bytes; 0: it could not), the floats.
enum E5Line {
    /// The other end has gone, or did not answer in time.
    struct Gone: Error {}

    static func write(_ text: String, as role: EmbeddingRole, to socket: CInt) throws(Gone) {
        let bytes = Array(text.utf8)
        try write([role == .query ? 1 : 0] + count(bytes.count) + bytes, to: socket)
    }

    /// nil: nobody asks any more.
    static func readText(from socket: CInt, limit: Int) throws(Gone) -> (text: String, role: EmbeddingRole)? {
        guard let head = try? read(5, from: socket) else { return nil }
        let size = number(head[1...])
        guard size <= limit else { throw Gone() }
        return (String(decoding: try read(size, from: socket), as: UTF8.self), head[0] == 1 ? .query : .passage)
    }

    static func write(_ vector: [Float], to socket: CInt) throws(Gone) {
        try write(count(vector.count) + vector.flatMap { count(Int($0.bitPattern)) }, to: socket)
    }

    /// Empty: the child could not.
    static func readVector(from socket: CInt, dimensions: Int) throws(Gone) -> [Float] {
        let size = number(try read(4, from: socket)[...])
        guard size == dimensions || size == 0 else { throw Gone() }
        let bytes = try read(size * 4, from: socket)
        return stride(from: 0, to: bytes.count, by: 4).map {
            Float(bitPattern: UInt32(number(bytes[$0..<$0 + 4])))
        }
    }

    private static func count(_ number: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reversed().reduce(0) { $0 << 8 | Int($1) } }

    private static func write(_ bytes: [UInt8], to socket: CInt) throws(Gone) {
        var sent = 0
        while sent < bytes.count {
            // SAFETY: reads what is left of the bytes only.
            let count = unsafe bytes.withUnsafeBytes {
                unsafe send(socket, $0.baseAddress?.advanced(by: sent), $0.count - sent, CInt(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Gone() }
            sent += count
        }
    }

    private static func read(_ count: Int, from socket: CInt) throws(Gone) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            // SAFETY: writes into what is left of the bytes only.
            let read = unsafe bytes.withUnsafeMutableBytes {
                unsafe recv(socket, $0.baseAddress?.advanced(by: filled), count - filled, 0)
            }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw Gone() }
            filled += read
        }
        return bytes
    }
}
