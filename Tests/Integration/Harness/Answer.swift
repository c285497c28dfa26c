import Foundation
import Testing

/// An HTTP answer as a client saw it.
struct Answer: Sendable {
    var status: Int
    /// Names in lower case.
    var headers: [(name: String, value: String)]
    var body: String
    /// Whether the framing said that the body is over.
    var isComplete: Bool
    /// How the connection stood when the answer was taken.
    var end: Peer.End

    /// The values of a field, joined; nil when there is none.
    func header(_ name: String) -> String? {
        let values = headers.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// The body as a JSON object; empty when it is none.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]) ?? [:]
    }

    /// `error.code` of an error in OpenAI's or the plain shape.
    var errorCode: String? { (json["error"] as? [String: Any])?["code"] as? String }

    /// The `data` of each whole event of a stream.
    var events: [String] {
        body.components(separatedBy: "\n\n").dropLast().compactMap { event in
            let lines = event.split(separator: "\n").filter { $0.hasPrefix("data: ") }
            return lines.isEmpty ? nil : lines.map { $0.dropFirst(6) }.joined(separator: "\n")
        }
    }
}

extension Answer {
    /// Whatever came before the connection ended, for an answer that has not even a head.
    init(_ text: String, _ end: Peer.End) {
        self.init(status: 0, headers: [], body: text, isComplete: false, end: end)
    }

    /// Takes the first answer off `text`; nil while more of it may come.
    init?(cutFrom text: inout Substring, method: String, end: Peer.End) {
        guard let headEnd = text.range(of: "\r\n\r\n") else { return nil }
        let lines = text[..<headEnd.lowerBound].components(separatedBy: "\r\n")
        status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        headers = lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon].lowercased(), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
        }
        body = ""
        isComplete = true
        self.end = end
        var rest = text[headEnd.upperBound...]
        let hasBody = method != "HEAD" && status >= 200 && status != 204 && status != 304
        if hasBody { isComplete = cutBody(&rest) }
        guard isComplete || end != .open else { return nil }
        text = rest
    }

    /// Whether the body is over.
    private mutating func cutBody(_ rest: inout Substring) -> Bool {
        if header("transfer-encoding") != nil { return cutChunks(&rest) }
        guard let length = header("content-length").flatMap({ Int($0) }) else {
            body = String(rest)
            rest = ""
            return end == .closed
        }
        let bytes = rest.utf8.prefix(length)
        body = String(decoding: bytes, as: UTF8.self)
        rest = rest[bytes.endIndex...]
        return bytes.count == length
    }

    private mutating func cutChunks(_ rest: inout Substring) -> Bool {
        while let lineEnd = rest.range(of: "\r\n"), let length = Int(rest[..<lineEnd.lowerBound], radix: 16) {
            let chunk = rest[lineEnd.upperBound...].utf8.prefix(length)
            body += String(decoding: chunk, as: UTF8.self)
            guard chunk.count == length else { return false }
            let after = rest[chunk.endIndex...]
            if length == 0 { return cutTrailers(after, &rest) }
            guard after.utf8.count >= 2 else { return false }
            rest = after[after.utf8.index(after.startIndex, offsetBy: 2)...]
        }
        return false
    }

    private func cutTrailers(_ text: Substring, _ rest: inout Substring) -> Bool {
        if text.hasPrefix("\r\n") {
            rest = text.dropFirst()
            return true
        }
        guard let trailersEnd = text.range(of: "\r\n\r\n") else { return false }
        rest = text[trailersEnd.upperBound...]
        return true
    }
}

extension Answer {
    /// Notes a failure of the test unless this is the status, and the code of the error where one is given.
    @discardableResult
    func expect(_ status: Int, _ code: String? = nil, sourceLocation: SourceLocation = #_sourceLocation) -> Answer {
        #expect(self.status == status, "the body: \(body.prefix(300))", sourceLocation: sourceLocation)
        if let code { #expect(errorCode == code, "the body: \(body.prefix(300))", sourceLocation: sourceLocation) }
        return self
    }
}
