import MartletExchange
import MartletKnowledge
import MartletWire

// Another model for the vectors of a base.
extension KnowledgeEndpoint {
    /// `{"embedding": NAME}`; without it, the default one. With `Accept: text/event-stream` it is told: `progress` with
    /// `done` and `of`, then `end` with the base, or `error`. Who leaves breaks it off.
    func reembed(_ base: String, _ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        try request.must(be: .post)
        let embedding = try await RequestFields(body).text("embedding")
        _ = try await desk.base(base)
        guard EventStream.isWanted(request) else {
            return .json(JSON(try await desk.reembed(base, with: embedding) { _, _ in }).text)
        }
        return EventStream.response { [desk] writer in
            do {
                let ended = try await EventStream.telling(writer, Self.event) { progress in
                    try await desk.reembed(base, with: embedding, progress: progress)
                }
                try await writer.write(EventStream.event("end", JSON(ended).text))
            } catch {
                guard let known = KnowledgeError(of: error) else { throw error }
                try await writer.write(EventStream.event("error", known.body(.openAI)))
            }
        }
    }

    private static func event(_ done: Int, _ count: Int) -> JSON {
        ["done": .integer(Int64(done)), "of": .integer(Int64(count))]
    }
}
