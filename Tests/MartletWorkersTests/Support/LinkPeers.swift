import Foundation
import MartletNet
import MartletWire
import MartletWorkers
import NIOCore
import Synchronization

/// What a link tells its delegate, in words, in order.
final class LinkEvents: WorkerLinkDelegate {
    private let words: AsyncStream<String>
    private let heard: AsyncStream<String>.Continuation
    private let end = Mutex<[WorkerLinkEnd]>([])

    init() {
        (words, heard) = AsyncStream.makeStream()
    }

    func linkReceived(_ type: WorkerFrameType, id: UInt64, payload: ByteBuffer) {
        heard.yield("\(type) \(id) \(String(buffer: payload))")
    }

    func linkReceived(_ type: WorkerFrameType, _ item: WorkerItem) {
        heard.yield("\(type) \(item.id) \(String(buffer: item.body))")
    }

    func linkReadComplete() { heard.yield("complete") }
    func linkWritable() { heard.yield("writable") }

    func linkEnded(_ end: WorkerLinkEnd) {
        self.end.withLock { $0.append(end) }
        heard.finish()
    }

    /// The next word; "ended" when there is none any more.
    func next() async -> String {
        for await word in words { return word }
        return "ended"
    }

    /// The next that is no sign of a complete read.
    func nextItem() async -> String {
        for await word in words where word != "complete" { return word }
        return "ended"
    }

    /// Waits for the end: its one reason.
    func ending() async -> WorkerLinkEnd? {
        for await _ in words {}
        let ends = end.withLock { $0 }
        return ends.count == 1 ? ends.first : nil
    }
}

/// The worker's end of a socket, read and written as a program would: by calls that wait.
final class RawPeer: Sendable {
    private let descriptor: OwnedDescriptor

    init(_ socket: ChildSocket) {
        descriptor = socket.childs
    }

    func write(_ bytes: ByteBuffer) throws {
        try handle().write(contentsOf: Data(bytes.readableBytesView))
    }

    /// So many bytes, or those until the end.
    func read(_ count: Int) throws -> ByteBuffer {
        var bytes = ByteBuffer()
        while bytes.readableBytes < count,
            let next = try handle().read(upToCount: count - bytes.readableBytes), !next.isEmpty {
            bytes.writeBytes(next)
        }
        return bytes
    }

    func close() { descriptor.close() }

    private func handle() throws -> FileHandle {
        guard let value = descriptor.value else { throw CocoaError(.fileReadUnknown) }
        return FileHandle(fileDescriptor: value, closeOnDealloc: false)
    }
}

extension ByteBuffer {
    /// A frame as a worker writes it.
    mutating func writeFrame(_ type: WorkerFrameType, id: UInt64 = 0, payload: String = "", items: [WorkerItem] = []) {
        var body = ByteBuffer(string: payload)
        for item in items {
            body.writeMultipleIntegers(
                item.id, item.status, item.flags.rawValue, UInt32(item.meta.readableBytes),
                UInt32(item.body.readableBytes), endianness: .little)
            body.writeImmutableBuffer(item.meta)
            body.writeImmutableBuffer(item.body)
        }
        writeMultipleIntegers(
            UInt32(body.readableBytes), type.rawValue, UInt8(0), UInt16(items.count), id, endianness: .little)
        writeBuffer(&body)
    }
}
