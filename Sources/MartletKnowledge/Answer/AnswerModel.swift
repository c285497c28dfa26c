package import MartletLogic

/// A chat model, wherever it runs: asked through the dispatcher, with its admission, balancing and limits.
package protocol AnswerModel: Sendable {
    /// Asks, and gives what comes, piece by piece. The call ends when its reader goes.
    ///
    /// - Throws: `KnowledgeError`, before the first piece: `unavailable` where it is down, `overloaded` where it is
    ///   over its limits, `notFound` where there is none of that name; in the stream: it broke off.
    ///   `CancellationError`.
    func stream(
        _ messages: [PromptMessage], _ parameters: ModelParameters
    ) async throws -> AsyncThrowingStream<ModelPiece, any Error>
}

package struct ModelParameters: Sendable, Equatable {
    /// By its name in the configuration; nil: the default one.
    package var model: String?
    package var temperature: Double?
    package var maximumTokens: Int?
    /// Several may wait for it: it is called off when the last of them has gone, and by nobody's deadline.
    package var isShared: Bool

    package init(
        model: String? = nil, temperature: Double? = nil, maximumTokens: Int? = nil, isShared: Bool = false
    ) {
        self.model = model
        self.temperature = temperature
        self.maximumTokens = maximumTokens
        self.isShared = isShared
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
