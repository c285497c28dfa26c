import NIOCore

/// What a connection is to be told once it is durable, in order.
struct WaitingReplies {
    private struct Piece {
        /// Of the last record that must be durable.
        var sequence: UInt64
        var bytes: ByteBuffer
    }

    private var pieces: [Piece] = []
    private var first = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { first == pieces.count }

    /// Has `write` write what may be told when `sequence` is durable, and what was written before is told.
    mutating func append(_ sequence: UInt64, _ write: (inout ByteBuffer) -> Void) {
        if isEmpty || pieces[pieces.count - 1].sequence < sequence {
            pieces.append(Piece(sequence: sequence, bytes: ByteBuffer()))
        }
        let last = pieces.count - 1
        let before = pieces[last].bytes.readableBytes
        write(&pieces[last].bytes)
        byteCount += pieces[last].bytes.readableBytes - before
    }

    /// What may be told; nil: nothing.
    mutating func take(durable: UInt64) -> ByteBuffer? {
        var taken: ByteBuffer?
        while first < pieces.count, pieces[first].sequence <= durable {
            if taken == nil {
                taken = pieces[first].bytes
            } else {
                taken?.writeImmutableBuffer(pieces[first].bytes)
            }
            first += 1
        }
        byteCount -= taken?.readableBytes ?? 0
        if first == pieces.count {
            pieces.removeAll(keepingCapacity: pieces.capacity <= 64)
            first = 0
        }
        return taken
    }
}
