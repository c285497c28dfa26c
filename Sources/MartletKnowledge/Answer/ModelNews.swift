import MartletLogic

/// What comes from a model's stream.
enum ModelNews: Sendable {
    case event(AnswerMachine.Event)
    case failed(any Error)
    case usage(promptTokens: Int?, answerTokens: Int?)

    /// Asks, and tells what comes until the stream ends. The end comes last, also where the usage comes behind it.
    ///
    /// - Parameter limit: Of what it says and thinks, in bytes: there it is cut.
    static func read(
        _ model: any AnswerModel, _ messages: [PromptMessage], _ parameters: ModelParameters, atMost limit: Int,
        _ tell: (ModelNews) -> Void
    ) async {
        var splitter = ReasoningSplitter()
        var reason = "stop"
        var rest = limit
        do {
            for try await piece in try await model.stream(messages, parameters) {
                var pieces: [ReasoningSplitter.Piece] = []
                switch piece {
                case .text(let text):
                    rest -= text.utf8.count
                    pieces = splitter.read(text)
                case .reasoning(let text):
                    rest -= text.utf8.count
                    pieces = text.isEmpty ? [] : [.reasoning(text)]
                case .usage(let prompt, let answer): tell(.usage(promptTokens: prompt, answerTokens: answer))
                case .finished(let said): reason = said
                }
                for piece in pieces { tell(.event(.piece(piece))) }
                guard rest >= 0 else {
                    reason = "length"
                    break
                }
            }
            // A stream that was cancelled ends as well, and nobody hears it.
            for piece in splitter.end() { tell(.event(.piece(piece))) }
            tell(.event(.finished(reason)))
        } catch {
            tell(.failed(error))
        }
    }
}

extension ModelTrouble {
    init(_ error: any Error) {
        self =
            switch (error as? KnowledgeError)?.code {
            case .notFound: .absent
            case .overloaded: .busy
            default: .down
            }
    }
}
