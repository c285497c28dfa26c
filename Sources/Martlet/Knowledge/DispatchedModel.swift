import MartletBase
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

/// A chat model of `models`, asked through the dispatcher as a client's request would be.
struct DispatchedModel: AnswerModel {
    private static let path = "/v1/chat/completions"

    let dispatch: Dispatch
    /// Of `models`, for questions that name none.
    let standard: String

    func stream(
        _ messages: [PromptMessage], _ parameters: ModelParameters
    ) async throws -> AsyncThrowingStream<ModelPiece, any Error> {
        let request = request(messages, parameters)
        let client = dispatch.inNameOfClient
        let dispatch = parameters.isShared ? client.until(.never) : client
        // Bounded by whoever reads: beyond an answer's length it stops reading, and this stops asking.
        let (pieces, continuation) = AsyncThrowingStream<ModelPiece, any Error>.makeStream()
        let task = Task {
            do {
                try await dispatch.post(Self.path, request) { body in
                    for try await event in ModelEvents(body) {
                        if let error = event["error"] { throw Self.failure(error) }
                        for piece in Self.pieces(event) { continuation.yield(piece) }
                    }
                }
                continuation.finish()
            } catch {
                continuation.finish(throwing: KnowledgeError(ofModel: error) ?? error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
        return pieces
    }

    private func request(_ messages: [PromptMessage], _ parameters: ModelParameters) -> JSON {
        var members: Fields = [
            "model": .string(parameters.model ?? standard), "stream": true,
            "messages": .array(
                messages.map { ["role": .string($0.role.rawValue), "content": .string($0.text)] }),
        ]
        members["temperature"] = parameters.temperature.map { .number($0) }
        members["max_tokens"] = parameters.maximumTokens.map { .integer(Int64($0)) }
        return .object(members)
    }

    private static func pieces(_ event: JSON) -> [ModelPiece] {
        var pieces: [ModelPiece] = []
        if case .array(let choices)? = event["choices"], let choice = choices.first {
            let delta = choice["delta"] ?? choice["message"] ?? [:]
            if let text = delta["reasoning_content"]?.string ?? delta["reasoning"]?.string, !text.isEmpty {
                pieces.append(.reasoning(text))
            }
            if let text = delta["content"]?.string, !text.isEmpty { pieces.append(.text(text)) }
            if let reason = choice["finish_reason"]?.string { pieces.append(.finished(reason)) }
        }
        if let usage = event["usage"], case .object = usage {
            pieces.append(
                .usage(
                    promptTokens: usage["prompt_tokens"]?.count,
                    answerTokens: usage["completion_tokens"]?.count))
        }
        return pieces
    }

    private static func failure(_ error: JSON) -> KnowledgeError {
        KnowledgeError(.unavailable, "The model broke off: \(error["message"]?.string ?? "it does not say why")")
    }
}

extension KnowledgeError {
    /// What a model, or the dispatcher in front of it, refused; nil: it is something else.
    init?(ofModel error: any Error) {
        switch error {
        case let error as ModelError: self.init(Self.code(error.status), "The model answered \(error)")
        case let error as MartletError:
            self.init(Self.code(error.code.status), "The model was not reached: \(error.code.sentence)")
        default: return nil
        }
    }

    private static func code(_ status: Int) -> Code {
        switch status {
        case 404: .notFound
        case 429, 503: .overloaded
        default: .unavailable
        }
    }
}
