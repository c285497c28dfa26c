import MartletBase
import MartletWire
import NIOCore

/// Writes a whole request of the control plane.
enum RequestText {
    /// Throws `bad_request` for a method, path or header that cannot be sent; names a header, never its value.
    static func compose(
        _ method: Method, _ url: HTTPURL, headers: [(name: String, value: String)], body: [UInt8]?
    ) throws(MartletError) -> ByteBuffer {
        var buffer = try head(method, url, headers: headers, length: body?.count)
        if let body { buffer.writeBytes(body) }
        return buffer
    }

    /// What precedes a body of `length` bytes; throws as `compose`.
    static func head(
        _ method: Method, _ url: HTTPURL, headers: [(name: String, value: String)], length: Int?
    ) throws(MartletError) -> ByteBuffer {
        let operation = "\(method.text) \(url)"
        guard method != .other, url.path.hasPrefix("/"), HTTP1Writer.isValidTarget(url.path) else {
            throw MartletError(.badRequest, operation: operation, cause: "not a request that can be sent")
        }
        var fields = HeaderBlock()
        for header in headers where !written.contains(FieldName(header.name)) {
            guard fields.append(header.name, header.value) else {
                throw MartletError(
                    .badRequest, operation: operation, cause: "the header \(header.name) cannot be sent as it is")
            }
        }
        if !fields.contains(.host), !fields.append(.host, url.origin.authority) {
            throw MartletError(.badRequest, operation: operation, cause: "not a host")
        }
        if !fields.contains(.userAgent) { fields.append(.userAgent, "martlet") }
        if !fields.contains(.accept) { fields.append(.accept, "*/*") }

        var buffer = ByteBuffer()
        let head = RequestHead(
            method: method, target: ByteBuffer(string: url.path), authority: ByteBuffer(), headers: fields)
        HTTP1Writer.requestLine(head, into: &buffer)
        fields.write(into: &buffer)
        HTTP1Writer.line("Connection: close", into: &buffer)
        let expectsBody = [.post, .put, .patch].contains(method)
        if length != nil || expectsBody { HTTP1Writer.contentLength(length ?? 0, into: &buffer) }
        HTTP1Writer.endOfHead(into: &buffer)
        return buffer
    }

    /// One connection carries one request, and its framing follows from the body: not for the caller to say.
    private static let written = FieldSet.hopByHop.union(.framing)
}
