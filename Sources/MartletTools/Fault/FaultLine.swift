import MartletBase
import NIOCore

/// One direction of one connection: what was read and may not be sent yet. Decides what is sent when; sends nothing.
struct FaultLine {
    enum Step: Equatable {
        case send(ByteBuffer)
        /// Nothing before this time (nanoseconds).
        case wait(UInt64)
        /// Nothing until more is read.
        case idle
        /// The source has ended its direction, and all it had sent has been sent on. Said once.
        case finish
        case cut(Faults.End)
    }

    /// Bytes that are held at most, but for what one read brings.
    static let limit = 256 << 10

    private var held: [(due: UInt64, bytes: ByteBuffer)] = []
    private var head = 0
    private var lastDue: UInt64 = 0
    private var endDue: UInt64?
    private var isFinished = false
    /// When the bandwidth allows the next byte.
    private var freeAt: UInt64 = 0
    private var random: SplitMix64
    private(set) var heldBytes = 0
    /// Bytes that were given out to be sent.
    private(set) var passed = 0

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    var wantsMore: Bool { heldBytes < Self.limit }

    mutating func arrived(_ bytes: ByteBuffer, _ faults: Faults.Direction, now: UInt64) {
        held.append((due(faults, now), bytes))
        heldBytes += bytes.readableBytes
    }

    mutating func ended(_ faults: Faults.Direction, now: UInt64) {
        if endDue == nil { endDue = due(faults, now) }
    }

    /// Never earlier than what came before.
    private mutating func due(_ faults: Faults.Direction, _ now: UInt64) -> UInt64 {
        let jitter = UInt64(clamping: faults.jitter.wholeNanoseconds)
        let extra = jitter > 0 ? UInt64.random(in: 0...jitter, using: &random) : 0
        lastDue = max(lastDue, now &+ UInt64(clamping: faults.delay.wholeNanoseconds) &+ extra)
        return lastDue
    }

    mutating func next(_ faults: Faults.Direction, now: UInt64) -> Step {
        if let cutAfter = faults.cutAfter, passed >= cutAfter { return .cut(faults.cutsWith) }
        guard head < held.count else {
            guard let endDue, !isFinished else { return .idle }
            guard endDue <= now else { return .wait(endDue) }
            isFinished = true
            return .finish
        }
        let due = max(held[head].due, faults.bandwidth == nil ? 0 : freeAt)
        guard due <= now else { return .wait(due) }
        return .send(take(faults, now: now))
    }

    private mutating func take(_ faults: Faults.Direction, now: UInt64) -> ByteBuffer {
        var count = max(faults.slice ?? .max, 1)
        if let cutAfter = faults.cutAfter { count = min(count, cutAfter - passed) }
        if let bandwidth = faults.bandwidth { count = min(count, max(bandwidth / 100, 1)) }
        count = min(count, held[head].bytes.readableBytes)
        let piece = held[head].bytes.readSlice(length: count) ?? ByteBuffer()
        passed += count
        heldBytes -= count
        if let bandwidth = faults.bandwidth {
            freeAt = max(now, freeAt) &+ UInt64(count) &* 1_000_000_000 / UInt64(max(bandwidth, 1))
        }
        if held[head].bytes.readableBytes == 0 { dropHead() }
        return piece
    }

    private mutating func dropHead() {
        head += 1
        guard head == held.count || head >= 1024 else { return }
        held.removeFirst(head)
        head = 0
    }
}
