import MartletBase
public import NIOCore

/// What a ``WorkerFrameParser`` found.
public enum WorkerPart: Sendable, Equatable {
    /// A whole control frame. `id` is the nonce of a `PONG`.
    case control(WorkerFrameType, id: UInt64, payload: ByteBuffer)
    /// One item of a data frame.
    case item(WorkerFrameType, WorkerItem)
}

/// Reads the frames that one worker sends, item by item: an item is handed on when it is there, not when its frame is.
/// What waits in the input is never longer than one payload may be.
///
/// Everything that the protocol does not allow is an error, and the connection must end with it: there is no way to
/// find the next frame behind one that is wrong. Metas and bodies are slices of the input and pin it.
public struct WorkerFrameParser: Sendable {
    private enum State {
        case frame
        case control(WorkerFrameType, id: UInt64, bytes: Int)
        /// Inside a data frame, before the header of an item.
        case items(ItemsLeft)
        case item(ItemHeader, ItemsLeft)
        case failed
    }

    /// What a data frame still holds.
    private struct ItemsLeft {
        let type: WorkerFrameType
        var items: Int
        var bytes: Int
    }

    private struct ItemHeader {
        let id: UInt64
        let status: UInt16
        let flags: WorkerItem.Flags
        let metaBytes: Int
        let bodyBytes: Int
        /// In `RELEASE`.
        var generation: UInt32 = 0
    }

    private var state = State.frame
    private let shared: Range<Int>?

    /// - Parameter shared: The part of the shared memory where the worker may put bodies; nil: no memory is shared.
    public init(shared: Range<Int>? = nil) {
        self.shared = shared
    }

    /// No frame has begun: the connection may end here.
    public var isBetweenFrames: Bool {
        if case .frame = state { true } else { false }
    }

    /// The next part, or nil until more bytes arrive.
    public mutating func next(_ input: inout ByteBuffer) throws(WireError) -> WorkerPart? {
        do throws(WireError) {
            while true {
                switch state {
                case .frame:
                    guard let next = try readFrameHeader(&input) else { return nil }
                    state = next
                case .control(let type, let id, let bytes):
                    guard let payload = Self.take(bytes, from: &input) else { return nil }
                    state = .frame
                    return .control(type, id: id, payload: payload)
                case .items(let left):
                    guard let next = try readItemHeader(&input, of: left) else { return nil }
                    state = next
                case .item(let header, let left):
                    guard let item = try readItem(header, of: left.type, from: &input) else { return nil }
                    state = left.items > 0 ? .items(left) : .frame
                    return .item(left.type, item)
                case .failed: return nil
                }
            }
        } catch {
            state = .failed
            throw error
        }
    }

    private func readFrameHeader(_ input: inout ByteBuffer) throws(WireError) -> State? {
        guard
            let (length, kind, flags, count, id) = input.readMultipleIntegers(
                endianness: .little, as: (UInt32, UInt8, UInt8, UInt16, UInt64).self)
        else { return nil }
        guard let type = WorkerFrameType(rawValue: kind), type.isFromWorker, type != .released || shared != nil else {
            throw WireError(.upstreamMalformed, "unknown type of frame")
        }
        guard length <= WorkerProtocol.payloadBytes else { throw WireError(.upstreamMalformed, "frame too long") }
        guard flags == 0 else { throw WireError(.upstreamMalformed, "unknown flags of a frame") }
        guard type.isData else {
            guard count == 0 else { throw WireError(.upstreamMalformed, "control frame with items") }
            return .control(type, id: id, bytes: Int(length))
        }
        guard count > 0 else { throw WireError(.upstreamMalformed, "data frame without items") }
        return .items(ItemsLeft(type: type, items: Int(count), bytes: Int(length)))
    }

    private func readItemHeader(_ input: inout ByteBuffer, of left: ItemsLeft) throws(WireError) -> State? {
        guard left.bytes >= WorkerProtocol.itemHeaderBytes else {
            throw WireError(.upstreamMalformed, "frame shorter than its items")
        }
        guard
            let (id, status, rawFlags, metaBytes, bodyBytes) = input.readMultipleIntegers(
                endianness: .little, as: (UInt64, UInt16, UInt16, UInt32, UInt32).self)
        else { return nil }
        let flags = WorkerItem.Flags(rawValue: rawFlags)
        let mayShare = shared != nil && left.type == .result
        guard flags.isSubset(of: .last) || (flags == .sharedMemory && mayShare) else {
            throw WireError(.upstreamMalformed, "unknown flags of an item")
        }
        var header = ItemHeader(
            id: id, status: status, flags: flags, metaBytes: Int(metaBytes), bodyBytes: Int(bodyBytes))
        if left.type == .released {
            header = ItemHeader(
                id: id, status: status, flags: flags, metaBytes: 0, bodyBytes: 0, generation: metaBytes)
        }
        var left = left
        left.items -= 1
        left.bytes -= WorkerProtocol.itemHeaderBytes + header.metaBytes + header.bodyBytes
        guard left.bytes >= 0 else { throw WireError(.upstreamMalformed, "item longer than its frame") }
        guard left.items > 0 || left.bytes == 0 else {
            throw WireError(.upstreamMalformed, "frame longer than its items")
        }
        return .item(header, left)
    }

    private func readItem(
        _ header: ItemHeader, of type: WorkerFrameType, from input: inout ByteBuffer
    ) throws(WireError) -> WorkerItem? {
        guard input.readableBytes >= header.metaBytes + header.bodyBytes,
            let meta = Self.take(header.metaBytes, from: &input), let body = Self.take(header.bodyBytes, from: &input)
        else { return nil }
        var item = WorkerItem(id: header.id, status: header.status, flags: header.flags, meta: meta, body: body)
        if type == .released {
            item.shared = WorkerSharedBody(
                offset: Int(clamping: header.id), length: 0, generation: header.generation)
        } else if header.flags.contains(.sharedMemory) {
            item.shared = shared.flatMap { WorkerSharedBody(body, within: $0) }
            item.body = ByteBuffer()
            guard item.shared != nil else { throw WireError(.upstreamMalformed, "body outside the shared memory") }
        }
        return item
    }

    /// An empty slice would pin the input for nothing.
    private static func take(_ count: Int, from input: inout ByteBuffer) -> ByteBuffer? {
        count == 0 ? ByteBuffer() : input.readSlice(length: count)
    }
}
