import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

/// What most of Chatchat's routes answer, whatever happened.
struct ChatchatReply {
    /// To whoever sends `../`.
    static let attack = ChatchatReply("Don't attack me", code: 403)

    private let value: JSON

    init(_ message: String = "success", code: Int = 200, data: JSON = .null) {
        value = ["code": .integer(Int64(code)), "msg": .string(message), "data": data]
    }

    init(data: JSON) {
        self.init("success", data: data)
    }

    init(_ error: KnowledgeError) {
        let code =
            switch error.code {
            case .notFound, .alreadyExists: 404
            case .invalid: 403
            default: 500
            }
        self.init(error.message, code: code)
    }

    /// Files and why each was not taken.
    init(_ message: String, failed: [String: String]) {
        self.init(message, data: ["failed_files": .object(failed.mapValues { .string($0) })])
    }

    var response: LocalResponse { .json(value.text) }
    var json: String { value.text }

    /// As FastAPI answers to a body that is not as it must be.
    static func invalid(_ flaw: FieldFlaw) -> LocalResponse {
        let place: JSON = flaw.field.isEmpty ? ["body"] : ["body", .string(flaw.field)]
        let detail: JSON = [
            "type": .string(flaw.kind.rawValue), "loc": place, "msg": .string(flaw.message), "input": .null,
        ]
        return .json(JSON.object(["detail": .array([detail])]).text, status: 422)
    }
}
