package import MartletLogic

/// A chat model, wherever it runs: asked through the dispatcher, with its admission, balancing and limits.
package protocol AnswerModel: Sendable {
    /// Asks, and gives what comes, piece by piece. The call ends when its reader goes.
    ///
    /// - Throws: before the first piece: it is down, over its limits, or there is none of that name; in the stream: it
    ///   broke off. `CancellationError`.
    func stream(
        _ messages: [PromptMessage], _ parameters: ModelParameters
    ) async throws -> AsyncThrowingStream<ModelPiece, any Error>
}

package struct ModelParameters: Sendable, Equatable {
    /// By its name in the configuration; nil: the default one.
    package var model: String?
    package var temperature: Double?
    package var maximumTokens: Int?

    package init(model: String? = nil, temperature: Double? = nil, maximumTokens: Int? = nil) {
        self.model = model
        self.temperature = temperature
        self.maximumTokens = maximumTokens
    }
}

package enum ModelPiece: Sendable, Equatable {
    /// With `<think>` and all: it is split here.
    case text(String)
    /// What the model's server told apart itself (`reasoning_content`).
    case reasoning(String)
    /// In estimated or real tokens, as the model says it; may come after ``finished(_:)``.
    case usage(promptTokens: Int?, answerTokens: Int?)
    /// `stop`, `length`, …; a stream that ends without it ended for `stop`.
    case finished(String)
}
