import MartletWire

/// What a worker may send of one answer before it is told that more is wanted, as the host counts it.
///
/// Read and changed on one loop, and a worker is told of a grant only after it is counted here: one that comes out in
/// debt did not keep to it.
struct WorkerCredit {
    /// What a request starts with, by the protocol.
    private static let firstChunks = 64
    private static let firstBytes = 256 << 10
    /// The last chunk may overdraw the bytes, by no more than a frame holds.
    private static let overdraft = WorkerProtocol.payloadBytes

    private var chunksLeft = firstChunks
    private var bytesLeft = firstBytes
    /// Taken, and not granted anew yet.
    private var chunksTaken = 0
    private var bytesTaken = 0

    /// The worker sent so much; false: more than it may.
    mutating func spend(chunks: Int, bytes: Int) -> Bool {
        chunksLeft -= chunks
        bytesLeft -= bytes
        return chunksLeft >= 0 && bytesLeft >= -Self.overdraft
    }

    /// So much of it was taken.
    mutating func take(chunks: Int = 0, bytes: Int = 0) {
        chunksTaken += chunks
        bytesTaken += bytes
    }

    /// What to grant now: as much as was taken, once that is half of all that there is. nil: nothing yet.
    mutating func grant() -> (chunks: UInt16, bytes: UInt32)? {
        guard chunksTaken >= Self.firstChunks / 2 || bytesTaken >= Self.firstBytes / 2 else { return nil }
        let (chunks, bytes) = (UInt16(clamping: chunksTaken), UInt32(clamping: bytesTaken))
        chunksTaken -= Int(chunks)
        bytesTaken -= Int(bytes)
        chunksLeft += Int(chunks)
        bytesLeft += Int(bytes)
        return (chunks, bytes)
    }
}
