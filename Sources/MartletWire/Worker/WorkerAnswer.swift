import MartletBase
public import NIOCore

/// What the meta of a `RESULT`, or of the first `CHUNK` of an answer, says about it.
public struct WorkerAnswer: Sendable {
    /// The HTTP status that a first chunk states, 200 to 599; nil: none.
    public var status: Int?
    /// `Content-Type`, then the others as they came. Framing and hop-by-hop fields may be among them.
    public var headers: HeaderBlock
    /// How long the whole body is, in bytes, where that is known before its end.
    public var length: Int?

    /// What no meta says: JSON.
    public static let json = WorkerAnswer(type: "application/json")

    /// A type that cannot be sent is left out.
    public init(type: String) {
        headers = HeaderBlock()
        headers.append(.contentType, type)
    }

    /// - Throws: `upstreamMalformed` when it is not such an object, or a field cannot be sent.
    public init(meta: ByteBuffer) throws(WireError) {
        guard meta.readableBytes > 0 else {
            self = .json
            return
        }
        var type = "application/json"
        var others = HeaderBlock()
        var (status, length): (Int?, Int?)
        var cursor = JSONCursor(Array(meta.readableBytesView))
        try cursor.object { (name, cursor) throws(WireError) in
            switch name {
            case "status": status = try cursor.count()
            case "type": type = try cursor.string()
            case "length": length = try cursor.count()
            case "headers":
                try Self.readFields(&cursor) { (name, value) throws(WireError) in
                    guard others.append(name, value) else { throw Self.badField }
                }
            default: try cursor.skip()
            }
        }
        try cursor.expectEnd()
        if let status, !(200...599).contains(status) {
            throw WireError(.upstreamMalformed, "status of an answer out of range")
        }
        self.init(type: type)
        guard headers.contains(.contentType) else { throw Self.badField }
        headers.append(contentsOf: others, except: [.contentType])
        (self.status, self.length) = (status, length)
    }

    /// Reads `[["name", "value"], …]`.
    static func readFields(
        _ cursor: inout JSONCursor, _ take: (String, String) throws(WireError) -> Void
    ) throws(WireError) {
        try cursor.array { (cursor) throws(WireError) in
            try cursor.expect(UInt8(ascii: "["))
            let name = try cursor.string()
            try cursor.expect(UInt8(ascii: ","))
            let value = try cursor.string()
            try cursor.expect(UInt8(ascii: "]"))
            try take(name, value)
        }
    }

    private static var badField: WireError { WireError(.upstreamMalformed, "field of an answer that cannot be sent") }
}
