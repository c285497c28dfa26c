import MartletKnowledge
import MartletLogic
import MartletNet
import MartletWire

// Questions, to a server.
extension RemoteDesk {
    func search(_ query: RetrievalQuery, in bases: [String]) async throws -> [Passage] {
        let body = try Self.asked(query.text, "query", query.limit, query.minimumScore, query.filter, bases)
        let path = try KnowledgeServer.path(try Self.first(of: bases), "/search")
        return try await passages("passages", of: try await server.ask(.post, path, body))
    }

    func answer(_ question: Question) -> AsyncThrowingStream<AnswerEvent, any Error> {
        let (stream, telling) = AsyncThrowingStream.makeStream(of: AnswerEvent.self)
        let work = Task {
            do {
                try await ask(question) { telling.yield($0) }
                telling.finish()
            } catch {
                telling.finish(throwing: error)
            }
        }
        telling.onTermination = { _ in work.cancel() }
        return stream
    }

    private func ask(_ question: Question, _ tell: (AnswerEvent) -> Void) async throws {
        var body = try Self.asked(
            question.text, "question", question.limit, question.minimumScore, question.filter, question.bases)
        body["history"] = .array(
            question.history.map { ["role": .string($0.speaker.rawValue), "content": .string($0.text)] })
        if let session = question.session { body["session"] = .string(session) }
        if let model = question.model { body["model"] = .string(model) }
        if let temperature = question.temperature { body["temperature"] = .number(temperature) }
        if let most = question.maximumTokens { body["max_tokens"] = .integer(Int64(most)) }
        body["fresh"] = .bool(question.isFresh)
        var isOver = false
        try await server.events(
            try KnowledgeServer.path(try Self.first(of: question.bases), "/ask"), contentType: "application/json",
            StreamedBody(Array(body.text.utf8))
        ) { event, fields in
            guard let told = try server.read({ () throws(FieldFlaw) in try Self.event(event.name, fields) }) else {
                return
            }
            if case .end = told { isOver = true }
            tell(told)
        }
        guard isOver else { throw KnowledgeError(.unavailable, "The server's answer broke off.") }
    }

    private static func event(_ name: String, _ fields: RequestFields) throws(FieldFlaw) -> AnswerEvent? {
        switch name {
        case "sources":
            .sources(try each(try fields.listed("sources")) { source throws(FieldFlaw) in try Passage(source) })
        case "reasoning": .reasoning(try fields.required("text"))
        case "text": .text(try fields.required("text"))
        case "citations":
            .citations(
                try each(try fields.listed("sentences")) { sentence throws(FieldFlaw) in
                    try CheckedSentence(sentence)
                })
        case "end": .end(try AnswerEnd(fields))
        default: nil
        }
    }

    private static func asked(
        _ text: String, _ name: String, _ limit: Int, _ minimumScore: Double, _ filter: DocumentFilter?,
        _ bases: [String]
    ) throws(KnowledgeError) -> JSON {
        guard filter == nil else { throw KnowledgeError(.invalid, "Filters cannot be sent to a server.") }
        return [
            name: .string(text), "limit": .integer(Int64(limit)), "minimum_score": .number(minimumScore),
            "bases": .array(bases.map { .string($0) }),
        ]
    }

    private static func first(of bases: [String]) throws(KnowledgeError) -> String {
        guard let first = bases.first else { throw KnowledgeError(.invalid, "No base is named.") }
        return first
    }
}
