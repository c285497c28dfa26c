import MartletBase
import NIOCore

/// What a complete response head must satisfy (RFC 9112 §6.3), read strictly.
enum ResponseRules {
    @inline(__always)
    static func head(_ input: ByteBuffer, line: StatusLine, fields: FieldLines, headEnd: Int, method: Method)
        throws(WireError) -> (head: ResponseHead, framing: ResponseFraming)
    {
        guard fields.repeated.isDisjoint(with: FieldSet(.contentLength, .transferEncoding)) else {
            throw WireError(.upstreamMalformed, "repeated framing field")
        }
        let block = input.slice(fields.base..<max(fields.base, headEnd - 2))
        let bytes = block.readableBytesUInt8Span
        var (kept, present) = (fields.fields, fields.present)
        var framing = try framing(bytes, fields: fields, line: line, method: method)
        if fields.present.contains(.connection) {
            let options = try ConnectionOptions(kept, of: bytes)
            options.removeNominated(from: &kept, present: &present, of: bytes)
            if options.closes {
                framing.isKeepAlive = false
            } else if options.keepsAlive, line.isHTTP10, framing.body != .untilClose {
                framing.isKeepAlive = true
            }
        }
        if let field = fields.first(.keepAlive) {
            framing.keepAliveTimeout = FieldValues.keepAliveTimeout(bytes, field.valueRange)
        }
        let head = ResponseHead(
            status: line.status, reason: input.slice(line.reason),
            headers: HeaderBlock(bytes: block, fields: kept, present: present))
        return (head, framing)
    }

    private static func framing(_ bytes: Span<UInt8>, fields: FieldLines, line: StatusLine, method: Method)
        throws(WireError) -> ResponseFraming
    {
        var framing = ResponseFraming(body: .untilClose, isKeepAlive: !line.isHTTP10)
        if let coding = fields.first(.transferEncoding) {
            guard !fields.present.contains(.contentLength) else {
                throw WireError(.upstreamMalformed, "both Content-Length and Transfer-Encoding")
            }
            guard !line.isHTTP10 else { throw WireError(.upstreamMalformed, "Transfer-Encoding in HTTP/1.0") }
            try FieldValues.requireChunked(bytes, coding.valueRange)
            framing.body = .chunked
        } else if let field = fields.first(.contentLength) {
            guard let length = try FieldValues.contentLength(bytes, field.valueRange) else {
                throw WireError(.upstreamMalformed, "Content-Length out of range")
            }
            framing.contentLength = length
            framing.body = length > 0 ? .length(length) : .none
        }
        if line.status < 200 || line.status == 204 || line.status == 304 || method == .head {
            framing.body = .none
        }
        if framing.body == .untilClose { framing.isKeepAlive = false }
        return framing
    }
}
