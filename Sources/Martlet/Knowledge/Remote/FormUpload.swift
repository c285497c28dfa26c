import Foundation
import MartletKnowledge
import MartletNet
import NIOCore
import NIOPosix

/// A form with one file of this machine's disk, which is read while it is sent.
struct FormUpload {
    private static let pieceBytes = 64 << 10

    private let file: IncomingFile
    private let fileBytes: Int
    private let boundary: String
    private let head: String
    private let tail: String

    /// - Throws: `unreadable`, where the file cannot be looked at.
    init(_ file: IncomingFile, fields: [(name: String, value: String)]) throws(KnowledgeError) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file.path),
            let bytes = (attributes[.size] as? NSNumber)?.intValue
        else { throw Self.unreadable(file) }
        self.file = file
        fileBytes = bytes
        boundary = "martlet-" + String(UInt64.random(in: .min ... .max), radix: 36)
        let boundary = boundary
        let texts = fields.map { name, value in
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
        }
        // RFC 8187: any name is said exactly.
        let name = file.name.addingPercentEncoding(withAllowedCharacters: .plain) ?? "file"
        head = texts.joined()
            + "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''\(name)\r\n\r\n"
        tail = "\r\n--\(boundary)--\r\n"
    }

    var contentType: String { "multipart/form-data; boundary=\(boundary)" }

    /// - Throws, while it is sent: `unreadable`, also where the file has changed since it was looked at.
    var body: StreamedBody {
        let (file, fileBytes, head, tail) = (file, fileBytes, head, tail)
        return StreamedBody(length: head.utf8.count + fileBytes + tail.utf8.count) { send in
            try await send(ByteBuffer(string: head))
            guard let handle = FileHandle(forReadingAtPath: file.path) else { throw Self.unreadable(file) }
            var left = fileBytes
            while true {
                let piece = try await NIOThreadPool.singleton.runIfActive {
                    try? handle.read(upToCount: Self.pieceBytes) ?? Data()
                }
                guard let piece else { throw Self.unreadable(file) }
                guard piece.count <= left, !piece.isEmpty || left == 0 else {
                    throw KnowledgeError(.unreadable, "\(file.name) changed while it was sent.")
                }
                if piece.isEmpty { break }
                left -= piece.count
                try await send(ByteBuffer(bytes: piece))
            }
            try await send(ByteBuffer(string: tail))
        }
    }

    private static func unreadable(_ file: IncomingFile) -> KnowledgeError {
        KnowledgeError(.unreadable, "\(file.name) cannot be read from \(file.path).")
    }
}
