public import MartletBase
public import NIOCore

/// Writes the frames that Martlet sends to a worker, each at the end of a buffer.
public enum WorkerFrameWriter {
    /// `HELLO`, `CANCEL`, `PING` or `DRAIN`.
    ///
    /// - Parameters:
    ///   - id: The nonce of a `PING`.
    ///   - payload: A JSON object, or nothing. It must be within `WorkerProtocol.payloadBytes`.
    public static func control(
        _ type: WorkerFrameType, id: UInt64 = 0, payload: String = "", into buffer: inout ByteBuffer
    ) {
        let start = begin(type, id: id, in: &buffer)
        buffer.writeString(payload)
        finish(from: start, count: 0, in: &buffer)
    }

    /// `CANCEL` for these requests. `reason` is one of the protocol's words.
    public static func cancel(_ ids: some Sequence<UInt64>, reason: StaticString, into buffer: inout ByteBuffer) {
        let list = ids.map(String.init).joined(separator: ",")
        control(.cancel, payload: #"{"ids":[\#(list)],"reason":"\#(reason)"}"#, into: &buffer)
    }

    /// One batch. Of the bodies as much goes along as one frame may carry; what then is left in `requests` follows
    /// with ``body(of:into:)``, from the first to the last.
    ///
    /// A batch whose metas are longer than a payload goes as several `EXEC` frames of one id: to the worker, several
    /// batches.
    ///
    /// - Parameter now: What is left until the deadline of a request counts from here.
    public static func exec(
        batch: UInt64, _ requests: inout [WorkerRequest], now: Instant, into buffer: inout ByteBuffer
    ) {
        var frame = DataFrame(.exec, id: batch, in: &buffer)
        for index in requests.indices {
            let meta = requests[index].meta(now: now)
            if !frame.hasRoom(for: meta, in: buffer) {
                frame.finish(in: &buffer)
                frame = DataFrame(.exec, id: batch, in: &buffer)
            }
            let (body, flags) = requests[index].take(frame.bodyBytesLeft)
            frame.add(WorkerItem(id: requests[index].id, flags: flags, meta: meta, body: body), to: &buffer)
        }
        frame.finish(in: &buffer)
    }

    /// The next piece of a request's body. Answers whether another one must follow.
    public static func body(of request: inout WorkerRequest, into buffer: inout ByteBuffer) -> Bool {
        var frame = DataFrame(.body, in: &buffer)
        let (piece, flags) = request.take(WorkerProtocol.bodyBytes)
        frame.add(WorkerItem(id: request.id, flags: flags, body: piece), to: &buffer)
        frame.finish(in: &buffer)
        return !request.isSent
    }

    /// The request's answer may have so many more chunks and bytes.
    public static func credit(_ id: UInt64, chunks: UInt16, bytes: UInt32, into buffer: inout ByteBuffer) {
        let start = begin(.credit, id: 0, in: &buffer)
        buffer.writeMultipleIntegers(id, chunks, UInt16(0), bytes, UInt32(0), endianness: .little)
        finish(from: start, count: 1, in: &buffer)
    }

    /// The body that lay there was read: its place in the shared memory is the worker's again.
    public static func release(_ body: WorkerSharedBody, into buffer: inout ByteBuffer) {
        let start = begin(.release, id: 0, in: &buffer)
        buffer.writeMultipleIntegers(
            UInt64(clamping: body.offset), UInt16(0), UInt16(0), body.generation, UInt32(0), endianness: .little)
        finish(from: start, count: 1, in: &buffer)
    }

    /// Writes a header whose length and count are filled in later; returns where it is, counted from the first
    /// readable byte.
    fileprivate static func begin(_ type: WorkerFrameType, id: UInt64, in buffer: inout ByteBuffer) -> Int {
        let start = buffer.readableBytes
        buffer.writeMultipleIntegers(UInt32(0), type.rawValue, UInt8(0), UInt16(0), id, endianness: .little)
        return start
    }

    fileprivate static func finish(from start: Int, count: Int, in buffer: inout ByteBuffer) {
        let length = buffer.readableBytes - start - WorkerProtocol.frameHeaderBytes
        let place = buffer.readerIndex + start
        buffer.setInteger(UInt32(clamping: length), at: place, endianness: .little)
        buffer.setInteger(UInt16(clamping: count), at: place + 6, endianness: .little)
    }
}

/// One request on its way to a worker: what was not sent yet.
public struct WorkerRequest: Sendable {
    public let id: UInt64
    /// A JSON object, or nothing.
    private let meta: ByteBuffer
    private let deadline: Instant
    /// What is left of the body.
    public private(set) var body: ByteBuffer
    private var shared: WorkerSharedBody?

    /// - Parameter deadline: Until when an answer is of use; the worker is told how long that is when it is sent.
    /// - Throws: `headersTooLarge` for a meta that fits no frame.
    public init(
        id: UInt64, meta: ByteBuffer, body: ByteBuffer, deadline: Instant = .never
    ) throws(WireError) {
        let bytes = meta.readableBytes + (deadline < .never ? Self.deadlineBytes : 0)
        guard bytes <= WorkerProtocol.metaBytes else {
            throw WireError(.headersTooLarge, "fields longer than a worker takes them")
        }
        self.id = id
        self.meta = meta
        self.body = body
        self.deadline = deadline
    }

    /// What `ms` takes at most.
    private static let deadlineBytes = 32

    fileprivate func meta(now: Instant) -> ByteBuffer {
        guard deadline < .never, meta.readableBytes > 1 else { return meta }
        var whole = meta
        whole.moveWriterIndex(to: whole.writerIndex - 1)
        whole.writeString(meta.readableBytes > 2 ? ",\"ms\":" : "\"ms\":")
        whole.writeString(String(max(0, (deadline - now).wholeNanoseconds / 1_000_000)))
        whole.writeStaticString("}")
        return whole
    }

    /// The body was put into the shared memory: what is sent says where.
    public mutating func lies(at place: WorkerSharedBody) {
        shared = place
        body = ByteBuffer()
    }

    /// Nothing is left.
    public var isSent: Bool { body.readableBytes == 0 }

    fileprivate mutating func take(_ count: Int) -> (ByteBuffer, WorkerItem.Flags) {
        if let shared { return (shared.reference, .sharedMemory) }
        let piece = body.readNonEmptySlice(upTo: count) ?? ByteBuffer()
        return (piece, isSent ? [] : .more)
    }
}

/// A data frame that is being written at the end of a buffer.
private struct DataFrame {
    private let start: Int
    private var count = 0
    /// How much more its bodies may have.
    private(set) var bodyBytesLeft = WorkerProtocol.bodyBytes

    init(_ type: WorkerFrameType, id: UInt64 = 0, in buffer: inout ByteBuffer) {
        start = WorkerFrameWriter.begin(type, id: id, in: &buffer)
    }

    /// Whether an item with this meta, and as much body as is left for it, fits; an empty frame has room for any.
    func hasRoom(for meta: ByteBuffer, in buffer: ByteBuffer) -> Bool {
        let payload = buffer.readableBytes - start - WorkerProtocol.frameHeaderBytes
        let body = max(bodyBytesLeft, WorkerSharedBody.referenceBytes)
        let item = WorkerProtocol.itemHeaderBytes + meta.readableBytes + body
        return count == 0 || count < Int(UInt16.max) && payload + item <= WorkerProtocol.payloadBytes
    }

    mutating func add(_ item: WorkerItem, to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(
            item.id, item.status, item.flags.rawValue, UInt32(clamping: item.meta.readableBytes),
            UInt32(clamping: item.body.readableBytes), endianness: .little)
        buffer.writeImmutableBuffer(item.meta)
        buffer.writeImmutableBuffer(item.body)
        count += 1
        bodyBytesLeft = max(0, bodyBytesLeft - item.body.readableBytes)
    }

    func finish(in buffer: inout ByteBuffer) {
        WorkerFrameWriter.finish(from: start, count: count, in: &buffer)
    }
}
