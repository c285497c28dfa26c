import MartletTelemetry
import MartletWire
import NIOCore

/// What the access log says about a request beyond its numbers; kept only while there is an access log.
struct AccessDetails {
    private let method: ByteBuffer
    private let host: ByteBuffer
    private let path: ByteBuffer
    private let client: ByteBuffer
    private let id: ByteBuffer

    init(_ head: RequestHead, client: String, id: String) {
        method = ByteBuffer(string: head.methodText)
        host = head.authority.copied
        path = ByteBuffer(string: head.path)
        self.client = ByteBuffer(string: client)
        self.id = ByteBuffer(string: id)
    }

    func write(_ record: borrowing RequestRecord, to log: AccessLog) {
        log.append(
            record, id: id.readableBytesUInt8Span, client: client.readableBytesUInt8Span,
            method: method.readableBytesUInt8Span, host: host.readableBytesUInt8Span, path: path.readableBytesUInt8Span)
    }
}
