import NIOCore

/// Reads an answer out of shared memory, no further than its client takes it.
struct LyingReader {
    enum Next {
        case piece(ByteBuffer)
        /// All of it was read.
        case end
        /// The memory does not hold it.
        case lost
    }

    /// Read before the client is heard of, in bytes.
    private static let firstBytes = 256 << 10
    private static let pieceBytes = 64 << 10

    private let body: LyingBody
    private var readBytes = 0
    private var wantedBytes = firstBytes
    /// In a loop over ``next()``: what is asked for meanwhile is read there.
    var isBeingRead = false

    init(_ body: LyingBody) {
        self.body = body
    }

    /// The client takes so many bytes more.
    mutating func demand(_ bytes: Int) {
        wantedBytes += bytes
    }

    /// nil: nothing until more is wanted.
    mutating func next() -> Next? {
        guard readBytes < body.length else { return .end }
        let count = min(body.length - readBytes, wantedBytes, Self.pieceBytes)
        guard count > 0 else { return nil }
        guard let piece = body.read(count, from: readBytes) else { return .lost }
        readBytes += count
        wantedBytes -= count
        return .piece(piece)
    }
}
