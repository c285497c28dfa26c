import MartletBase
public import NIOCore

/// What the meta of an `ERROR` says about a request that failed. One whose meta cannot be read failed all the same.
public struct WorkerFault: Sendable {
    /// More fields than this, or longer ones together, are none.
    private static let (mostFields, mostFieldBytes) = (32, 8 << 10)

    /// The worker's own word for it; empty without one.
    public var code = ""
    /// For the caller; empty without one.
    public var message = ""
    /// The media type of the body.
    public var type = "application/json"
    /// Fields for the answer, such as `Retry-After`. Framing and hop-by-hop fields may be among them.
    public private(set) var headers = HeaderBlock()
    /// The call for the whole batch failed, and nobody knows whose fault it was.
    public var concernsBatch = false

    public init(meta: ByteBuffer) {
        var cursor = JSONCursor(Array(meta.readableBytesView))
        // What was read before the mistake counts.
        try? cursor.object { (name, cursor) throws(WireError) in
            switch name {
            case "code": code = try cursor.string()
            case "message": message = try cursor.string()
            case "type": type = try cursor.string()
            case "scope": concernsBatch = try cursor.string() == "batch"
            case "headers": headers = try Self.fields(&cursor)
            default: try cursor.skip()
            }
        }
    }

    /// One that cannot be sent is left out: the fault is told all the same.
    private static func fields(_ cursor: inout JSONCursor) throws(WireError) -> HeaderBlock {
        var fields = HeaderBlock()
        var count = 0
        try WorkerAnswer.readFields(&cursor) { name, value in
            count += 1
            fields.append(name, value)
        }
        guard count <= mostFields, fields.bytes.readableBytes <= mostFieldBytes else { return HeaderBlock() }
        fields.remove([.contentType])
        return fields
    }
}
