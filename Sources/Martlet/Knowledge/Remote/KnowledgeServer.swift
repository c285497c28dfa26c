import Foundation
import MartletBase
import MartletKnowledge
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import NIOPosix

/// Calls of a server's paths to knowledge. All throw `KnowledgeError` or `CancellationError`.
final class KnowledgeServer: Sendable {
    /// A server says something all 15 seconds, whatever it is at; a model that loads may take its time before that.
    private static let silence: Duration = .seconds(120)
    private static let longestReply = 64 << 20

    private let url: HTTPURL
    private let headers: [(name: String, value: String)]
    private let resolver = NameResolver()
    private let client: HTTPClient

    /// - Throws: `invalid`: it is no URL.
    init(_ text: String, key: Secret?) throws(KnowledgeError) {
        do {
            url = try HTTPURL(text)
        } catch {
            throw KnowledgeError(.invalid, "\(error)")
        }
        headers = key.map { [("X-API-Key", $0.exposed)] } ?? []
        client = HTTPClient(group: MultiThreadedEventLoopGroup.singleton, resolver: resolver)
    }

    func close() { resolver.shutdown() }

    /// A path below `/knowledge`. Slashes of a document's name are those of the path.
    ///
    /// - Throws: `invalid`: a name that is none could lead to another path.
    static func path(
        _ base: String? = nil, document: String? = nil, _ rest: String = ""
    ) throws(KnowledgeError) -> String {
        guard base.map(KnowledgeName.isValid(base:)) ?? true else {
            throw KnowledgeError(.invalid, "That is not what a base may be called.")
        }
        guard document.map(KnowledgeName.isValid(document:)) ?? true else {
            throw KnowledgeError(.invalid, "That is not what a document may be called.")
        }
        var path = KnowledgeEndpoint.path
        if let base { path += "/" + encoded(base) }
        if let document { path += "/documents/" + encoded(document) }
        return path + rest
    }

    private static func encoded(_ name: String) -> String {
        name.addingPercentEncoding(withAllowedCharacters: .plain.union(["/"])) ?? ""
    }

    func ask(_ method: MartletWire.Method, _ path: String, _ body: JSON? = nil) async throws -> RequestFields {
        let json = [("Content-Type", "application/json")]
        let bytes = try await call(method, path, headers: json, body: body.map { StreamedBody(Array($0.text.utf8)) }) {
            try await $0.rest(atMost: Self.longestReply)
        }
        return try read { () throws(FieldFlaw) in try RequestFields(of: try? JSON.parse(bytes)) }
    }

    /// Asks for events and hands them over as they come.
    func events(
        _ path: String, contentType: String, _ body: StreamedBody,
        _ take: (EventReader.Event, RequestFields) async throws -> Void
    ) async throws {
        let headers = [("Content-Type", contentType), ("Accept", "text/event-stream")]
        try await call(.post, path, headers: headers, body: body) { reply in
            var reader = EventReader()
            while let piece = try await reply.next() {
                for event in try reader.read(piece) {
                    let fields = try read { () throws(FieldFlaw) in
                        try RequestFields(of: try? JSON.parse(event.data.utf8))
                    }
                    if event.name == "error" { throw KnowledgeError(status: 500, JSON.object(fields.values), "") }
                    try await take(event, fields)
                }
            }
        }
    }

    /// A reply that is a success.
    func call<Answer: Sendable>(
        _ method: MartletWire.Method, _ path: String, headers more: [(name: String, value: String)] = [],
        body: StreamedBody? = nil, _ take: (StreamedReply) async throws -> Answer
    ) async throws -> Answer {
        do {
            return try await client.exchange(
                method, HTTPURL(origin: url.origin, path: path), headers: headers + more, body: body,
                silence: Self.silence
            ) { reply in
                guard (200..<300).contains(reply.status) else {
                    let bytes = try await reply.rest(atMost: 64 << 10)
                    let text = String(decoding: bytes.prefix(300), as: UTF8.self)
                    throw KnowledgeError(status: reply.status, try? JSON.parse(bytes), text)
                }
                return try await take(reply)
            }
        } catch let error as MartletError {
            throw KnowledgeError(.unavailable, "\(url.origin) cannot be asked: \(error.cause).")
        } catch let error as WireError {
            throw KnowledgeError(.unavailable, "\(url.origin) does not speak as it must: \(error.reason).")
        } catch let error as TLSConfigurationError {
            throw KnowledgeError(.unavailable, "\(error)")
        }
    }

    /// What an event `progress` says: how many are done, of how many.
    func progress(_ fields: RequestFields) throws(KnowledgeError) -> (done: Int, of: Int) {
        try read { () throws(FieldFlaw) in (try fields.counted("done"), try fields.counted("of")) }
    }

    /// What a reply says.
    func read<Value>(_ body: () throws(FieldFlaw) -> Value) throws(KnowledgeError) -> Value {
        do {
            return try body()
        } catch {
            throw KnowledgeError(.unavailable, "The answer of \(url.origin) cannot be read. \(error.message)")
        }
    }
}

extension KnowledgeError {
    /// Of an answer that is no success.
    ///
    /// - Parameter text: What it says where it says no JSON.
    init(status: Int, _ json: JSON?, _ text: String) {
        let error = json?["error"]
        let message = error?["message"]?.words ?? "The server answered \(status). \(text)"
        if let code = error?["code"].flatMap({ Code(rawValue: $0.words) }) {
            self.init(code, message)
        } else {
            switch status {
            case 401, 403: self.init(.invalid, "The server wants its key: \(message)")
            case 404: self.init(.notFound, message)
            case 413: self.init(.tooLarge, message)
            case 429, 503: self.init(.overloaded, message)
            case 400..<500: self.init(.invalid, message)
            default: self.init(.failed, message)
            }
        }
    }
}
