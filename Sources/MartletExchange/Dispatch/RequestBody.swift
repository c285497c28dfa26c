import MartletWire
package import NIOCore

/// The request body on its way: held until a leg takes it, and kept for another attempt while it is small.
struct RequestBody {
    /// Bytes kept so that a request can be sent again. A body that outgrows this is sent once.
    static let replayLimit = 64 << 10

    /// What came so far and is kept; complete from the first byte on while `canReplay`.
    private(set) var kept: ByteBuffer?
    /// How many bytes of `kept` the present leg was given.
    private var sentBytes = 0
    /// Bytes received in all.
    private(set) var receivedBytes = 0
    private(set) var isComplete = false
    /// Everything received is still in `kept`.
    private(set) var canReplay = true
    /// No further attempt will be made: what was given to the leg goes.
    private var isFinal = false
    /// The whole body is kept whatever its size: a model's body is read before it is sent.
    let keepsAll: Bool

    init(keepsAll: Bool) {
        self.keepsAll = keepsAll
    }

    /// Bytes held in memory.
    var heldBytes: Int { kept?.readableBytes ?? 0 }

    /// More than this is held: the client has to wait until a leg takes some.
    var isFull: Bool { !keepsAll && heldBytes > Self.replayLimit }

    /// Bytes that it holds or soon will, while no leg takes any.
    func bytesToHold(announced: BodySize) -> Int {
        guard case .exactly(let count) = announced, !keepsAll else { return heldBytes }
        return max(heldBytes, min(count, Self.replayLimit))
    }

    mutating func append(_ slice: ByteBuffer) {
        receivedBytes += slice.readableBytes
        if kept == nil {
            // A small body in a large receive buffer would pin that buffer for as long as it is kept.
            kept = slice.storageCapacity > 4096 ? slice.copied : slice
        } else {
            kept?.writeImmutableBuffer(slice)
        }
    }

    mutating func complete() {
        isComplete = true
    }

    /// A new leg gets the body from the start.
    mutating func rewind() {
        sentBytes = 0
    }

    /// The present leg does not have all of it yet.
    var hasUnsent: Bool { (kept?.readableBytes ?? 0) > sentBytes }

    /// What the leg has not been given yet; nil when there is nothing.
    mutating func takeUnsent() -> ByteBuffer? {
        guard let kept, kept.readableBytes > sentBytes else { return nil }
        let slice = kept.getSlice(at: kept.readerIndex + sentBytes, length: kept.readableBytes - sentBytes)
        sentBytes = kept.readableBytes
        if isFinal || (!keepsAll && receivedBytes > Self.replayLimit) { forget() }
        return slice
    }

    /// The answer is committed: nothing will be sent twice.
    mutating func commit() {
        isFinal = true
        if !hasUnsent { forget() }
    }

    /// Drops what is held.
    mutating func forget() {
        canReplay = receivedBytes == 0
        kept = nil
        sentBytes = 0
    }

    /// Puts `text` in place of the bytes at `range`.
    mutating func replace(_ range: Range<Int>, with text: String) {
        guard let kept, range.upperBound <= kept.readableBytes,
            let head = kept.getSlice(at: kept.readerIndex, length: range.lowerBound),
            let tail = kept.getSlice(
                at: kept.readerIndex + range.upperBound, length: kept.readableBytes - range.upperBound)
        else { return }
        var body = ByteBufferAllocator().buffer(capacity: kept.readableBytes + text.utf8.count)
        body.writeImmutableBuffer(head)
        body.writeString(text)
        body.writeImmutableBuffer(tail)
        self.kept = body
        receivedBytes = body.readableBytes
    }
}

extension ByteBuffer {
    /// The same readable bytes in storage of their own.
    package var copied: ByteBuffer {
        var copy = ByteBufferAllocator().buffer(capacity: readableBytes)
        copy.writeImmutableBuffer(self)
        return copy
    }
}
