import FoundationEssentials
import MartletExchange
import MartletWire
import NIOCore

@testable import Martlet

/// Asks a handler as a client would.
struct Calling {
    let handler: any LocalHandler

    struct Answer {
        var status: Int
        var headers: [(name: String, value: String)]
        var body: String

        var json: JSON? { try? JSON.parse(body.utf8) }

        /// Names and data of events; "" where there is no name.
        var events: [(name: String, data: String)] {
            body.split(separator: "\r\n\r\n").filter { !$0.hasPrefix(":") }.map { event in
                var (name, data) = ("", "")
                for line in event.split(separator: "\r\n") {
                    if line.hasPrefix("event: ") { name = String(line.dropFirst(7)) }
                    if line.hasPrefix("data: ") { data = String(line.dropFirst(6)) }
                }
                return (name, data)
            }
        }
    }

    func callAsFunction(
        _ method: MartletWire.Method, _ path: String, _ body: String = "", headers: [(String, String)] = []
    ) async throws -> Answer {
        let response = try await handler.handle(Self.request(method, path, body, headers: headers))
        guard let stream = response.stream else {
            return Answer(status: response.status, headers: response.headers, body: String(buffer: response.body))
        }
        let writer = LocalWriter {}
        try await stream(writer)
        return Answer(
            status: response.status, headers: response.headers,
            body: writer.take().map { String(buffer: $0) }.joined())
    }

    static func request(
        _ method: MartletWire.Method, _ path: String, _ body: String, headers: [(String, String)] = []
    ) -> LocalRequest {
        var block = HeaderBlock()
        block.append("Host", "kb.example:7861")
        for (name, value) in headers { block.append(name, value) }
        let parts = path.split(separator: "?", maxSplits: 1)
        return LocalRequest(
            method: method, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "", headers: block,
            body: ByteBuffer(string: body), clientAddress: "192.0.2.1")
    }

    /// A form of names, names of files, and contents.
    func form(
        _ path: String, _ parts: [(String, String?, String)], headers: [(String, String)] = []
    ) async throws -> Answer {
        var body = ""
        for (name, filename, content) in parts {
            let file = filename.map { "; filename=\"\($0)\"" } ?? ""
            body += "--b\r\nContent-Disposition: form-data; name=\"\(name)\"\(file)\r\n\r\n\(content)\r\n"
        }
        return try await self(
            .post, path, body + "--b--\r\n", headers: headers + [("Content-Type", "multipart/form-data; boundary=b")])
    }
}

extension UploadSpool {
    /// One of its own.
    static func temporary(limit: Int = 1 << 20) throws -> UploadSpool {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-spool-\(UUID().uuidString)")
        return try UploadSpool(folder: folder.path, limit: limit)
    }
}
