import Foundation
import MartletExchange
import MartletKnowledge
import NIOCore
import NIOPosix

/// A document's file as an answer, piece by piece.
enum FileAnswer {
    private static let pieceBytes = 64 << 10

    /// - Parameter isShown: In the browser, in place of kept on a disk. What could run there is not.
    static func response(_ file: StoredFile, isShown: Bool) -> LocalResponse {
        let path = file.path
        var response = LocalResponse(contentType: file.type) { writer in
            guard let handle = FileHandle(forReadingAtPath: path) else {
                throw KnowledgeError(.notFound, "The file is gone.")
            }
            while true {
                let piece = try await NIOThreadPool.singleton.runIfActive {
                    try handle.read(upToCount: pieceBytes) ?? Data()
                }
                guard !piece.isEmpty else { return }
                try await writer.write(ByteBuffer(bytes: piece))
            }
        }
        let isInline = isShown && !["text/html", "image/svg+xml", "application/xml", "text/xml"].contains(file.type)
        response.headers = [
            ("Content-Disposition", "\(isInline ? "inline" : "attachment"); \(parameter(file.name))"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        return response
    }

    /// A name of any characters (RFC 6266).
    private static func parameter(_ name: String) -> String {
        let last = name.split(separator: "/").last.map(String.init) ?? name
        guard last.utf8.allSatisfy({ (0x20..<0x7f).contains($0) && $0 != 0x22 && $0 != 0x5c && $0 != 0x25 }) else {
            return "filename*=utf-8''" + (last.addingPercentEncoding(withAllowedCharacters: .plain) ?? "file")
        }
        return "filename=\"\(last)\""
    }
}

extension CharacterSet {
    /// What stands for itself wherever text is percent-encoded (RFC 3986 §2.3).
    static let plain = CharacterSet(
        charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
}
