import MartletBase
public import NIOCore

/// What the meta of an `ERROR` says about a request that failed. One whose meta cannot be read failed all the same.
public struct WorkerFault: Sendable, Equatable {
    /// The worker's own word for it; empty without one.
    public var code = ""
    /// For the caller; empty without one.
    public var message = ""
    /// The media type of the body.
    public var type = "application/json"
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
            default: try cursor.skip()
            }
        }
    }
}
