import MartletBase
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
    public static func exec(batch: UInt64, _ requests: inout [WorkerRequest], into buffer: inout ByteBuffer) {
        var frame = DataFrame(.exec, id: batch, in: &buffer)
        for index in requests.indices {
            let meta = requests[index].meta
            if !frame.hasRoom(for: meta, in: buffer) {
                frame.finish(in: &buffer)
                frame = DataFrame(.exec, id: batch, in: &buffer)
            }
            let body = requests[index].take(frame.bodyBytesLeft)
            frame.add(
                WorkerItem(id: requests[index].id, flags: requests[index].moreFlag, meta: meta, body: body),
                to: &buffer)
        }
        frame.finish(in: &buffer)
    }

    /// The next piece of a request's body. Answers whether another one must follow.
    public static func body(of request: inout WorkerRequest, into buffer: inout ByteBuffer) -> Bool {
        var frame = DataFrame(.body, in: &buffer)
        let piece = request.take(WorkerProtocol.bodyBytes)
        frame.add(WorkerItem(id: request.id, flags: request.moreFlag, body: piece), to: &buffer)
        frame.finish(in: &buffer)
        return !request.isSent
    }

    /// The request's answer may have so many more chunks and bytes.
    public static func credit(_ id: UInt64, chunks: UInt16, bytes: UInt32, into buffer: inout ByteBuffer) {
        let start = begin(.credit, id: 0, in: &buffer)
        buffer.writeMultipleIntegers(id, chunks, UInt16(0), bytes, UInt32(0), endianness: .little)
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
    /// A JSON object.
    public let meta: ByteBuffer
    /// What is left of the body.
    public private(set) var body: ByteBuffer

    /// - Throws: `headersTooLarge` for a meta that fits no frame.
    public init(id: UInt64, meta: ByteBuffer, body: ByteBuffer) throws(WireError) {
        guard meta.readableBytes <= WorkerProtocol.metaBytes else {
            throw WireError(.headersTooLarge, "fields longer than a worker takes them")
        }
        self.id = id
        self.meta = meta
        self.body = body
    }

    /// Nothing is left.
    public var isSent: Bool { body.readableBytes == 0 }

    fileprivate mutating func take(_ count: Int) -> ByteBuffer {
        body.readNonEmptySlice(upTo: count) ?? ByteBuffer()
    }

    fileprivate var moreFlag: WorkerItem.Flags { isSent ? [] : .more }
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
        return count == 0
            || count < Int(UInt16.max) && payload + WorkerProtocol.itemHeaderBytes + meta.readableBytes + bodyBytesLeft
                <= WorkerProtocol.payloadBytes
    }

    mutating func add(_ item: WorkerItem, to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(
            item.id, item.status, item.flags.rawValue, UInt32(clamping: item.meta.readableBytes),
            UInt32(clamping: item.body.readableBytes), endianness: .little)
        buffer.writeImmutableBuffer(item.meta)
        buffer.writeImmutableBuffer(item.body)
        count += 1
        bodyBytesLeft -= item.body.readableBytes
    }

    func finish(in buffer: inout ByteBuffer) {
        WorkerFrameWriter.finish(from: start, count: count, in: &buffer)
    }
}
