import MartletBase
import NIOCore

/// What a complete request head must satisfy (RFC 9112 §3 and §6), read strictly.
enum RequestRules {
    /// - Parameter headEnd: the head's length, its empty line included.
    @inline(__always)
    static func head(_ input: ByteBuffer, line: RequestLine, fields: FieldLines, headEnd: Int) throws(WireError)
        -> (head: RequestHead, framing: RequestFraming)
    {
        guard fields.repeated.isDisjoint(with: .once) else {
            throw WireError(.badRequest, "repeated field that may come once")
        }
        let block = input.slice(fields.base..<max(fields.base, headEnd - 2))
        let bytes = block.readableBytesUInt8Span
        var (kept, present) = (fields.fields, fields.present)

        let target = try RequestTarget(input, line.target, method: line.method)
        let authority = try authority(
            input, target: target, host: fields.first(.host), block: block, isHTTP10: line.isHTTP10)
        var framing = try framing(bytes, fields: fields, line: line)
        if fields.present.contains(.connection) {
            let options = try ConnectionOptions(kept, of: bytes)
            options.removeNominated(from: &kept, present: &present, of: bytes)
            if options.closes {
                framing.isKeepAlive = false
            } else if options.keepsAlive, line.isHTTP10, !framing.dropsBody {
                framing.isKeepAlive = true
            }
        }
        let head = RequestHead(
            method: line.method,
            methodBytes: line.method == .other ? input.slice(line.methodRange) : ByteBuffer(),
            target: target.target, pathLength: target.pathLength, authority: authority,
            headers: HeaderBlock(bytes: block, fields: kept, present: present))
        return (head, framing)
    }

    /// Exactly one valid Host; the authority of an absolute target must be the same.
    private static func authority(
        _ input: ByteBuffer, target: RequestTarget, host: HeaderField?, block: ByteBuffer, isHTTP10: Bool
    ) throws(WireError) -> ByteBuffer {
        guard let host else {
            guard isHTTP10 else { throw WireError(.badRequest, "no Host field") }
            return target.authority.map { Authority.lowercased(input, $0) } ?? ByteBuffer()
        }
        let bytes = block.readableBytesUInt8Span
        guard Authority.isValid(bytes, host.valueRange) else { throw WireError(.badRequest, "invalid Host field") }
        if let named = target.authority {
            guard Characters.equalsIgnoringCase(input.readableBytesUInt8Span, named, bytes, host.valueRange) else {
                throw WireError(.badRequest, "Host differs from the request target")
            }
        }
        return Authority.lowercased(block, host.valueRange)
    }

    private static func framing(_ bytes: Span<UInt8>, fields: FieldLines, line: RequestLine) throws(WireError)
        -> RequestFraming
    {
        var framing = RequestFraming(
            isKeepAlive: !line.isHTTP10, isHTTP10: line.isHTTP10, wantsUpgrade: fields.present.contains(.upgrade))
        if let coding = fields.first(.transferEncoding) {
            guard !fields.present.contains(.contentLength) else {
                throw WireError(.badRequest, "both Content-Length and Transfer-Encoding")
            }
            guard !line.isHTTP10 else { throw WireError(.badRequest, "Transfer-Encoding in HTTP/1.0") }
            try FieldValues.requireChunked(bytes, coding.valueRange)
            framing.body = .chunked
        } else if let field = fields.first(.contentLength) {
            guard let length = try FieldValues.contentLength(bytes, field.valueRange) else {
                throw WireError(.bodyTooLarge, "Content-Length above the limit")
            }
            if length > 0 { framing.body = .length(length) }
        }
        if let expectation = fields.first(.expect) {
            guard Characters.equalsIgnoringCase(bytes, expectation.valueRange, "100-continue") else {
                throw WireError(.expectationFailed, "expectation other than 100-continue")
            }
            framing.expectsContinue = !line.isHTTP10 && framing.body != .none
        }
        if framing.body != .none, line.method == .get || line.method == .head {
            framing.body = .none
            framing.dropsBody = true
            framing.expectsContinue = false
            framing.isKeepAlive = false
        }
        return framing
    }
}
