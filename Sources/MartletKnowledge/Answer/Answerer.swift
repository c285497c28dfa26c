import MartletLogic
package import MartletStore

/// Answers questions from the bases: searches, asks the model once, checks what it said, and does without it where it
/// has to.
///
/// What happens when is the ``AnswerMachine``'s decision. One question costs one vector at most, one search, and one
/// call of the model (a small one more to rewrite a question that leans on what was said before); the same question
/// asked by many at once costs that once, and one that was answered before costs nothing of it.
package final class Answerer: Sendable {
    let source: any PassageSource
    let model: (any AnswerModel)?
    let cache: (any AnswerCache)?
    let sessions: (any SessionStore)?
    let settings: AnswererSettings
    let remarks: ModelRemarks?
    private let meter: KnowledgeMeter
    private let flights = AnswerFlights()

    /// - Parameters:
    ///   - model: nil: the best passages are the answer.
    ///   - cache: nil: each question is answered anew.
    ///   - sessions: nil: what was said before comes with the question only.
    ///   - remarks: Say why a model was done without; nil: nobody does.
    package init(
        source: any PassageSource, model: (any AnswerModel)?, cache: (any AnswerCache)? = nil,
        sessions: (any SessionStore)? = nil, settings: AnswererSettings = AnswererSettings(),
        meter: KnowledgeMeter = KnowledgeMeter(), remarks: ModelRemarks? = nil
    ) {
        self.source = source
        self.model = model
        self.cache = cache
        self.sessions = sessions
        self.settings = settings
        self.meter = meter
        self.remarks = remarks
    }

    /// How many answers are on their way.
    package var underWay: Int { flights.count }

    /// Ends the search and the model's call when its reader goes.
    ///
    /// - Parameter permissions: What the caller may see, in words of whoever decides that: part of what answers are
    ///   kept under. Sessions are the caller's to name: nobody else may guess them.
    package func answer(_ question: Question, permissions: String = "") -> AsyncThrowingStream<AnswerEvent, any Error> {
        // As long as one answer at most: its bytes are bounded where they come from.
        let (events, continuation) = AsyncThrowingStream<AnswerEvent, any Error>.makeStream()
        let task = Task {
            // Who has heard the end has been answered, whether or not they stay for more.
            var outcome: KnowledgeMeter.Outcome?
            do {
                try await answer(question, permissions) { event in
                    if case .end(let end) = event { outcome = KnowledgeMeter.Outcome(end.kind) }
                    continuation.yield(event)
                }
                if let outcome { meter.ended(outcome) }
                continuation.finish()
            } catch {
                meter.ended(outcome ?? (Task.isCancelled ? .left : .failed))
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
        return events
    }

    private func answer(
        _ question: Question, _ permissions: String, tell: (AnswerEvent) -> Void
    ) async throws {
        guard question.text.utf8.count <= settings.maximumQuestionBytes else {
            throw KnowledgeError(.tooLarge, "The question is longer than \(settings.maximumQuestionBytes) bytes.")
        }
        let history = try await history(of: question)
        let hasModel = model != nil && question.model != ""
        let text = await alone(question, history, hasModel: hasModel)
        let scope = AnswerScope(
            bases: question.bases, permissions: permissions, model: hasModel ? question.model ?? "default" : "",
            filter: question.filter, limit: question.limit, minimumScore: question.minimumScore,
            minimumCosine: question.minimumCosine, temperature: question.temperature,
            maximumTokens: question.maximumTokens, history: history)
        let epochs = try await source.epochs(of: scope.bases)
        let shape = QuestionShape(text)
        var said = ""
        func pass(_ event: AnswerEvent) {
            switch event {
            case .text(let piece): said += piece
            // Passages are nothing that the assistant said.
            case .end(let end) where end.kind == .degraded: said = ""
            default: break
            }
            tell(event)
        }
        if !question.isFresh, let cached = await cache?.answer(to: shape, scope, epochs: epochs) {
            cached.replay(pass)
        } else {
            let run = AnswerRun(
                answerer: self, question: question, text: text, shape: shape, scope: scope, epochs: epochs,
                hasModel: hasModel)
            let key = AnswerFlight(scope: scope, text: shape.text, epochs: epochs)
            // Who asks anew is not told what somebody else was, and is heard by nobody else.
            if question.isFresh {
                try await run.run(pass)
            } else {
                for try await event in flights.join(key, produce: { try await run.run($0) }) { pass(event) }
            }
        }
        try Task.checkCancellation()
        try await remember(question, said)
    }

    // MARK: What was said before

    private func history(of question: Question) async throws -> [PromptMessage] {
        var turns: [PromptMessage] = []
        if let session = question.session, let sessions {
            turns = try await sessions.turns(of: session).map {
                PromptMessage(PromptMessage.Role(rawValue: $0.speaker) ?? .user, $0.text)
            }
        }
        turns += question.history.map { PromptMessage($0.speaker.role, $0.text) }
        var rest = settings.maximumHistoryBytes
        let latest = turns.suffix(settings.maximumTurns).reversed().prefix { turn in
            rest -= turn.text.utf8.count
            return rest >= 0
        }
        return latest.reversed()
    }

    private func remember(_ question: Question, _ answer: String) async throws {
        guard let session = question.session, let sessions else { return }
        var turns = [SessionTurn(speaker: "user", text: question.text)]
        if !answer.isEmpty { turns.append(SessionTurn(speaker: "assistant", text: answer)) }
        try await sessions.append(turns, to: session)
    }

    /// The question so that it can be searched for.
    private func alone(_ question: Question, _ history: [PromptMessage], hasModel: Bool) async -> String {
        guard FollowUp.leans(question.text, on: history) else { return question.text }
        if hasModel, let model {
            let prompt = FollowUp.prompt(question.text, after: history)
            let parameters = ModelParameters(model: question.model, temperature: 0, maximumTokens: 128)
            let limit = settings.rewritePatience
            let rewritten = await within(limit) { try await Self.whole(of: model, prompt, parameters) }
            if let rewritten, let text = FollowUp.accepted(rewritten, for: question.text) { return text }
        }
        return FollowUp.rewritten(question.text, after: history)
    }

    /// All that a model says, its thoughts left out.
    private static func whole(
        of model: any AnswerModel, _ messages: [PromptMessage], _ parameters: ModelParameters
    ) async throws -> String {
        var splitter = ReasoningSplitter()
        var pieces: [ReasoningSplitter.Piece] = []
        // A rewritten question is short: what goes on and on is none.
        var bytes = 0
        for try await piece in try await model.stream(messages, parameters) {
            guard case .text(let text) = piece else { continue }
            bytes += text.utf8.count
            guard bytes < 16 << 10 else { break }
            pieces += splitter.read(text)
        }
        return (pieces + splitter.end()).reduce("") { whole, piece in
            if case .text(let text) = piece { whole + text } else { whole }
        }
    }
}

/// What comes of a piece of work within a time; nil: nothing, it failed or was too slow.
private func within<Result: Sendable>(
    _ time: Duration, _ body: @escaping @Sendable () async throws -> Result
) async -> Result? {
    await withTaskGroup(of: Result?.self) { group in
        group.addTask { try? await body() }
        group.addTask {
            try? await Task.sleep(for: time)
            return nil
        }
        defer { group.cancelAll() }
        return await group.next() ?? nil
    }
}

extension Question.Turn.Speaker {
    fileprivate var role: PromptMessage.Role {
        switch self {
        case .system: .system
        case .user: .user
        case .assistant: .assistant
        }
    }
}

extension CachedAnswer {
    /// As it came, in pieces of a line or so.
    func replay(_ tell: (AnswerEvent) -> Void) {
        tell(.sources(sources))
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Self.piece)
            tell(.text(String(piece)))
            rest = rest[piece.endIndex...]
        }
        tell(.citations(citations))
        let end = AnswerEnd(
            kind: .cached, finishReason: finishReason, promptTokens: promptTokens, answerTokens: answerTokens)
        tell(.end(end))
    }

    /// In Unicode scalars.
    private static var piece: Int { 48 }
}
