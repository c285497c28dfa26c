import NIOCore

/// An answer as it came over the wire.
struct Reply {
    let status: Int
    /// In the order they came, names in lower case.
    let fields: [(name: String, value: String)]
    /// The body, without its framing.
    private(set) var body = ByteBuffer()
    private var pieces: [ByteBuffer] = []
    /// The body has come to the end that its framing promises.
    private(set) var isWhole = false

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    var text: String { String(buffer: body) }
    /// The chunks of a chunked body, each as it came.
    var chunks: [String] { pieces.map { String(buffer: $0) } }
    var isChunked: Bool { self["transfer-encoding"] == "chunked" }

    struct NotHTTP: Error { let text: String }

    /// The first answer in `bytes`, to `method`; takes it off them.
    init(_ bytes: inout ByteBuffer, to method: String = "GET") throws {
        guard let end = bytes.readableBytesView.firstRange(of: "\r\n\r\n".utf8),
            let head = bytes.readString(length: end.upperBound - bytes.readerIndex)
        else { throw NotHTTP(text: String(buffer: bytes)) }
        var lines = head.split(separator: "\r\n").map(String.init)
        let words = lines.removeFirst().split(separator: " ")
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else { throw NotHTTP(text: head) }
        self.status = status
        fields = lines.map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
        }
        if status < 200 || status == 204 || status == 304 || method == "HEAD" {
            isWhole = true
        } else if isChunked {
            readChunks(&bytes)
        } else if let length = self["content-length"].flatMap(Int.init) {
            isWhole = bytes.readableBytes >= length
            body = bytes.readSlice(length: min(length, bytes.readableBytes)) ?? body
        } else {
            body = bytes
            bytes.clear()
        }
    }

    /// Every answer in `bytes`.
    static func all(_ bytes: ByteBuffer) throws -> [Reply] {
        var rest = bytes
        var replies: [Reply] = []
        while rest.readableBytes > 0 { replies.append(try Reply(&rest)) }
        return replies
    }

    private mutating func readChunks(_ bytes: inout ByteBuffer) {
        while let line = bytes.readableBytesView.firstRange(of: "\r\n".utf8),
            let text = bytes.getString(at: bytes.readerIndex, length: line.lowerBound - bytes.readerIndex),
            let length = Int(text, radix: 16)
        {
            let lineLength = line.upperBound - bytes.readerIndex
            guard bytes.readableBytes >= lineLength + length + 2 else { return }
            bytes.moveReaderIndex(forwardBy: lineLength)
            guard var chunk = bytes.readSlice(length: length) else { return }
            bytes.moveReaderIndex(forwardBy: 2)
            if length == 0 {
                isWhole = true
                return
            }
            pieces.append(chunk)
            body.writeBuffer(&chunk)
        }
    }
}

extension Peer.Heard {
    /// The one answer that came.
    func reply(to method: String = "GET") throws -> Reply {
        var bytes = bytes
        return try Reply(&bytes, to: method)
    }
}
