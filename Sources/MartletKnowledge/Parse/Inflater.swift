import CZlib

/// Unpacks deflated bytes in pieces. Made, used and closed on one thread.
@safe final class Inflater {
    struct Damaged: Error {}

    private static let roomBytes = 64 << 10

    private var stream = unsafe z_stream()  // SAFETY: all of its pointers are empty until it is told of bytes.
    private var room = [UInt8](repeating: 0, count: roomBytes)
    /// The end of the packed bytes was seen.
    private(set) var isFinished = false

    init() throws {
        // SAFETY: the stream stays where it is, within this object. Negative: without zlib's own header.
        let code = unsafe inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw Damaged() }
    }

    deinit {
        // SAFETY: begun by `init`, ended once.
        _ = unsafe inflateEnd(&stream)
    }

    /// - Parameter body: gets the unpacked bytes, in pieces.
    /// - Throws: `Damaged`, and what `body` throws.
    func take(_ packed: [UInt8], _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        var used = 0
        var packed = packed
        while !isFinished, used < packed.count {
            let step = step(&packed, from: used)
            used += step.used
            isFinished = step.code == Z_STREAM_END
            guard isFinished || step.code == Z_OK || step.code == Z_BUF_ERROR else { throw Damaged() }
            guard isFinished || step.used > 0 || step.written > 0 else { throw Damaged() }
            if step.written > 0 { try body(room[..<step.written]) }
        }
    }

    private func step(_ packed: inout [UInt8], from start: Int) -> (used: Int, written: Int, code: CInt) {
        let given = packed.count - start
        // SAFETY: zlib reads and writes as many bytes as there are, within both arrays, and keeps no pointer that it
        // would use later: each call is given both anew.
        return unsafe packed.withUnsafeMutableBufferPointer { packed in
            unsafe room.withUnsafeMutableBufferPointer { room in
                // SAFETY: as above.
                unsafe stream.next_in = packed.baseAddress.map { unsafe $0 + start }
                unsafe stream.avail_in = UInt32(clamping: given)
                unsafe stream.next_out = room.baseAddress
                // SAFETY: as above.
                unsafe stream.avail_out = UInt32(clamping: room.count)
                let code = unsafe inflate(&stream, Z_NO_FLUSH)
                return unsafe (given - Int(stream.avail_in), room.count - Int(stream.avail_out), code)
            }
        }
    }
}
