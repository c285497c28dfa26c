import MartletBase
import MartletExchange
import MartletGateway
import MartletKnowledge
import MartletLogic
import MartletWire
import NIOCore

/// Before a pool of Langchain-Chatchat instances: what one of them replied is given again, many who ask the same wait
/// for one reply, and writes to a base take its replies. Everything is asked of the route as it came.
final class ReplyEndpoint: LocalHandler {
    /// Of a reply; one that is longer is broken off.
    private static let replyBytes = 16 << 20
    /// Of a question: a longer one is passed on unread.
    private static let questionBytes = 1 << 20
    /// Of a body that is read: a value takes far more room than its text.
    private static let mostValues = 200_000
    /// A reply depends on who asks: an instance, or what is before it, may know its clients by these.
    private static let clientKeys: Set<FieldName> = [.host, .origin, .authorization, .xAPIKey, .apiKey, .cookie]
    private static let dropped = FieldSet.hopByHop.union(.framing)
        .union([.contentType, .date, .xRequestID, .xAccelBuffering])

    private let route: Route
    private let caller: InnerCaller
    private let shelf: ReplyShelf
    /// Whether its path is one of writes.
    private let isWrite: Bool

    init(_ route: Route, caller: InnerCaller, shelf: ReplyShelf, isWrite: Bool) {
        (self.route, self.caller, self.shelf, self.isWrite) = (route, caller, shelf, isWrite)
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        guard request.method == .post else { return try await pass(request) }
        if isWrite { return try await pass(request, during: ReplyShelf.Write(to: Self.base(of: request), on: shelf)) }
        // What a query says may matter to an instance, and is not read here.
        guard request.query.isEmpty, let chat = Self.chat(of: request) else { return try await pass(request) }
        switch shelf.look(for: chat) {
        case .kept(let reply): return Self.replay(reply)
        case .missing(let flight): return try await join(flight, request)
        }
    }

    // MARK: What is asked

    /// nil: its reply is not given again.
    private static func chat(of request: LocalRequest) -> KnowledgeChat? {
        guard request.body.readableBytes <= questionBytes, case .object(var fields)? = json(request) else { return nil }
        let taken = ["query", "mode", "kb_name", "history"].map { fields.removeValue(forKey: $0) }
        guard case .string(let query)? = taken[0], case .string(let base)? = taken[2] else { return nil }
        var mode: String?
        switch taken[1] {
        case nil, .null?: break
        case .string(let text)?: mode = text
        default: return nil
        }
        let history = taken[3] ?? .null
        let hasHistory = history != .null && history != .array([])
        var rest = fields.mapValues(\.text)
        for field in request.headers.fields where clientKeys.contains(field.name) {
            rest["\(field.name.text):", default: ""] += request.headers.value(field) + "\n"
        }
        return KnowledgeChat(
            route: KnowledgeChat.path, mode: mode, base: base, query: query, hasHistory: hasHistory, rest: rest)
    }

    /// The base that a write is of; nil: it may be any, as forms are not read here.
    private static func base(of request: LocalRequest) -> String? {
        guard let body = json(request) else { return nil }
        // Who deletes a base sends its name alone.
        guard case .string(let base) = body["knowledge_base_name"] ?? body else { return nil }
        return base
    }

    private static func json(_ request: LocalRequest) -> JSON? {
        guard request.headers.value(.contentType)?.hasPrefix("multipart/") != true else { return nil }
        // Readers differ in which of two members of one name they take: such a body is for none but who is asked.
        var peek = ModelPeek()
        let isObject = request.body.readableBytesView.first { $0 > 0x20 } == UInt8(ascii: "{")
        if isObject, (try? peek.feed(request.body.readableBytesUInt8Span)) == nil { return nil }
        guard JSONSize.values(in: request.body.readableBytesView) <= mostValues else { return nil }
        return try? JSON.parse(request.body.readableBytesView)
    }

    // MARK: Asking

    private func join(_ flight: ReplyShelf.Flight, _ request: LocalRequest) async throws -> LocalResponse {
        var request = request
        // What is kept is given to whoever asks, whatever they can unpack.
        request.headers.remove([.acceptEncoding])
        request.headers.append(.acceptEncoding, "identity")
        let events = shelf.flights.join(flight) { [self, request] tell in
            // One that has just come to its end.
            if case .kept(let reply) = shelf.look(for: flight.chat) {
                tell(.head(status: 200, contentType: reply.contentType, headers: []))
                return tell(.piece(ByteBuffer(bytes: reply.body)))
            }
            try await caller.begin(route, request).read { try await take($0, for: flight, tell) }
        }
        return try await Self.response(events)
    }

    /// Tells a reply as it comes, and keeps one that came whole.
    private func take(
        _ answer: InnerAnswer, for flight: ReplyShelf.Flight, _ tell: @Sendable (ReplyShelf.Event) -> Void
    ) async throws {
        let head = Self.head(of: answer)
        tell(head.event)
        var body: [UInt8] = []
        for try await piece in answer.body {
            guard body.count + piece.readableBytes <= Self.replyBytes else {
                throw MartletError(.upstreamTruncated, cause: "the reply has more than \(Self.replyBytes) bytes")
            }
            body += piece.readableBytesView
            tell(.piece(piece))
        }
        let reply = ReplyCache.Reply(contentType: head.contentType, body: body)
        guard answer.status == 200, !answer.headers.contains(.contentEncoding),
            !answer.headers.contains(.setCookie), Self.isWorthKeeping(reply)
        else { return }
        shelf.keep(reply, for: flight)
    }

    /// Chatchat says what went wrong with status 200: with a `code` of its own, or an `error` in an event.
    private static func isWorthKeeping(_ reply: ReplyCache.Reply) -> Bool {
        guard reply.contentType.hasPrefix("application/json") else {
            let texts = events(of: reply.body).map { String(decoding: $0, as: UTF8.self) }
            return !texts.isEmpty && !texts.contains(where: saysError)
        }
        guard let json = try? JSON.parse(reply.body) else { return false }
        if case .string(let text)? = json["data"], saysError(text) { return false }
        return (json["code"] ?? .integer(200)) == .integer(200) && json["error"] == nil
    }

    private static func saysError(_ event: String) -> Bool {
        guard event.contains("\"error\""), let start = event.firstIndex(of: "{") else { return false }
        return (try? JSON.parse(Array(event[start...].utf8)))?["error"] != nil
    }

    /// - Parameter write: Lasts until the answer has ended.
    private func pass(_ request: LocalRequest, during write: ReplyShelf.Write? = nil) async throws -> LocalResponse {
        let begun = try await caller.begin(route, request)
        let head = Self.head(of: begun.answer)
        var response = LocalResponse(status: begun.answer.status, contentType: head.contentType) { writer in
            try await begun.read { for try await piece in $0.body { try await writer.write(piece) } }
            withExtendedLifetime(write) {}
        }
        response.headers = head.headers
        return response
    }

    private static func head(
        of answer: InnerAnswer
    ) -> (contentType: String, headers: [(name: String, value: String)], event: ReplyShelf.Event) {
        let type = answer.headers.value(.contentType) ?? "application/octet-stream"
        var kept = HeaderBlock()
        kept.append(contentsOf: answer.headers, except: dropped)
        let headers = kept.fields.map { (name: kept.name($0), value: kept.value($0)) }
        return (type, headers, .head(status: answer.status, contentType: type, headers: headers))
    }

    // MARK: Answering

    private static func response(
        _ events: AsyncThrowingStream<ReplyShelf.Event, any Error>
    ) async throws -> LocalResponse {
        var first = events.makeAsyncIterator()
        guard case .head(let status, let contentType, let headers)? = try await first.next() else {
            throw MartletError(.upstreamTruncated)
        }
        var response = LocalResponse(status: status, contentType: contentType) { writer in
            for try await event in events {
                if case .piece(let piece) = event { try await writer.write(piece) }
            }
        }
        response.headers = headers
        return response
    }

    /// Event by event, as it was streamed.
    private static func replay(_ reply: ReplyCache.Reply) -> LocalResponse {
        guard reply.contentType.hasPrefix("text/event-stream") else {
            return LocalResponse(status: 200, contentType: reply.contentType, body: ByteBuffer(bytes: reply.body))
        }
        return LocalResponse(contentType: reply.contentType) { writer in
            for event in events(of: reply.body) { try await writer.write(ByteBuffer(bytes: event)) }
        }
    }

    /// Each to the end of the empty line behind it.
    private static func events(of body: [UInt8]) -> [ArraySlice<UInt8>] {
        var events: [ArraySlice<UInt8>] = []
        var (start, line) = (0, 0)
        for index in body.indices where body[index] == UInt8(ascii: "\n") {
            if index == line || index == line + 1 && body[line] == UInt8(ascii: "\r") {
                events.append(body[start...index])
                start = index + 1
            }
            line = index + 1
        }
        return start < body.count ? events + [body[start...]] : events
    }
}
