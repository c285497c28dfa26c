package import MartletTelemetry
package import MartletWire
import NIOCore

/// What the access log says about a request beyond its numbers; kept only while there is an access log.
struct AccessDetails {
    private let method: ByteBuffer
    private let host: ByteBuffer
    private let path: ByteBuffer
    private let client: ByteBuffer
    private let id: ByteBuffer

    /// - Parameter head: nil when it could not be read.
    init(_ head: RequestHead?, client: String, id: String) {
        method = ByteBuffer(string: head?.methodText ?? "")
        host = head?.authority.copied ?? ByteBuffer()
        path = ByteBuffer(string: head?.path ?? "")
        self.client = ByteBuffer(string: client)
        self.id = ByteBuffer(string: id)
    }

    func write(_ record: borrowing RequestRecord, to log: AccessLog) {
        log.append(
            record, id: id.readableBytesUInt8Span, client: client.readableBytesUInt8Span,
            method: method.readableBytesUInt8Span, host: host.readableBytesUInt8Span, path: path.readableBytesUInt8Span)
    }
}

extension LoopContext {
    /// Closes the books of a request that was refused before there was an exchange to close them.
    ///
    /// - Parameters:
    ///   - head: nil when it could not be read.
    ///   - client: its address; where a trusted proxy names another, that one.
    package func refused(_ record: borrowing RequestRecord, head: RequestHead?, client: String, id: String) {
        meter.record(record)
        if let accessLog { AccessDetails(head, client: client, id: id).write(record, to: accessLog) }
    }
}
