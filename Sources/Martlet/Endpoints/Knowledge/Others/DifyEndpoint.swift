import MartletBase
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

/// Dify's external knowledge: `POST /dify/retrieval`. Its address there is that of this server and `/dify`, the
/// knowledge id is the name of a base.
final class DifyEndpoint: UploadHandler {
    static let path = "/dify/retrieval"

    private let desk: any KnowledgeDesk

    init(_ desk: any KnowledgeDesk) {
        self.desk = desk
    }

    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
        do {
            try request.must(be: .post)
            return try await retrieve(try await RequestFields(body))
        } catch let error as MartletError {
            throw error
        } catch {
            guard let known = KnowledgeError(of: error) else { throw error }
            // 2001 is the one code that Dify's documents name for what is wrong with knowledge.
            let code: JSON = known.code == .notFound ? 2001 : .integer(Int64(known.status))
            return .json(
                JSON.object(["error_code": code, "error_msg": .string(known.message)]).text, status: known.status)
        }
    }

    private func retrieve(_ fields: RequestFields) async throws -> LocalResponse {
        let base = try fields.required("knowledge_id")
        let settings = RequestFields(try fields.object("retrieval_setting") ?? [:])
        let query = RetrievalQuery(
            text: try fields.required("query"), limit: try settings.count("top_k", in: 1...200) ?? 4,
            minimumScore: try settings.number("score_threshold", in: 0...1) ?? 0,
            filter: try FilterReader.dify(
                try fields.object("metadata_condition") ?? [:], field: "metadata_condition"))
        let records = try await desk.search(query, in: [base]).map { passage -> JSON in
            var metadata = passage.metadata.mapValues { JSON($0) }
            metadata["path"] = .string(passage.document.name)
            if let place = passage.chunk.place { metadata["place"] = JSON(place) }
            return [
                "content": .string(passage.chunk.text), "score": .number(passage.score),
                "title": .string(passage.document.name), "metadata": .object(metadata),
            ]
        }
        return .json(JSON.object(["records": .array(records)]).text)
    }
}
