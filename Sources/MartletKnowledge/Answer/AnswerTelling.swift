import MartletLogic

/// Tells an answer, from what was found to its end.
struct AnswerTelling {
    private let run: AnswerRun
    private let vector: [Float]?
    /// What may be cited.
    private var passages: [Passage]
    private var machine = AnswerMachine()
    private var said = ""
    private var citations: [CheckedSentence] = []
    private var promptTokens: Int?
    private var answerTokens: Int?
    /// What the model's call said when it failed.
    private var failure = ""

    private var answerer: Answerer { run.answerer }
    private var language: AnswerLanguage { AnswerLanguage(of: run.question.text) }

    init(_ run: AnswerRun, _ passages: [Passage], _ vector: [Float]?) {
        (self.run, self.passages, self.vector) = (run, passages, vector)
    }

    mutating func run(isAnswerable: Bool, _ tell: (AnswerEvent) -> Void) async throws {
        let model = run.hasModel ? answerer.model : nil
        let found = AnswerMachine.Event.found(
            passages: passages.count, isAnswerable: isAnswerable, hasModel: model != nil)
        let actions = machine.handle(found)
        if let model, actions == [.ask] {
            try await ask(model, tell)
        } else {
            tell(.sources(isAnswerable ? passages : []))
            try await carryOut(actions, tell)
        }
        if case .checking = machine.state {
            let saysNothing = AnswerRefusal.isRefusal(said)
            citations = saysNothing ? [] : try await checked(said)
            tell(.citations(citations))
            try await carryOut(machine.handle(.checked(saysNothing: saysNothing)), tell)
        }
    }

    // MARK: The model

    private mutating func ask(_ model: any AnswerModel, _ tell: (AnswerEvent) -> Void) async throws {
        let settings = answerer.settings
        let prompt = AnswerPrompt(
            question: run.question.text, history: run.scope.history, passages: passages, budget: settings.budget)
        // Only what the model is shown may be cited.
        passages = Array(passages.prefix(max(1, prompt.sources)))
        tell(.sources(passages))
        let parameters = ModelParameters(
            model: run.question.model, temperature: run.question.temperature,
            maximumTokens: run.question.maximumTokens, isShared: !run.question.isFresh)
        let (news, continuation) = AsyncStream<ModelNews>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await ModelNews.read(model, prompt.messages, parameters, atMost: settings.maximumBytes) {
                    _ = continuation.yield($0)
                }
                continuation.finish()
            }
            group.addTask {
                try await Task.sleep(for: settings.patience)
                continuation.yield(.event(.slow))
            }
            // The model's call ends with this scope, if it has not ended by itself.
            defer { group.cancelAll() }
            for await item in news {
                switch item {
                case .usage(let prompt, let answer):
                    (promptTokens, answerTokens) = (prompt ?? promptTokens, answer ?? answerTokens)
                case .event(let event):
                    try await carryOut(machine.handle(event), tell)
                case .failed(let error):
                    failure = "\(error)"
                    try await carryOut(machine.handle(.failed(ModelTrouble(error))), tell)
                }
                guard machine.isHearing else { break }
            }
        }
        guard !Task.isCancelled else {
            _ = machine.handle(.gone)
            throw CancellationError()
        }
    }

    /// What takes time of its own, the model's call and the check, is ``run(isAnswerable:_:)``'s.
    private mutating func carryOut(_ actions: [AnswerMachine.Action], _ tell: (AnswerEvent) -> Void) async throws {
        for action in actions {
            switch action {
            case .tell(.text(let piece)):
                said += piece
                tell(.text(piece))
            case .tell(.reasoning(let piece)):
                tell(.reasoning(piece))
            case .refuse:
                tell(.text(language.refusal))
                tell(.citations([]))
            case .showPassages(let afterText):
                try await showPassages(afterText: afterText, tell)
            case .end(let end):
                await keep(end)
                let told = event(of: end)
                if let trouble = told.trouble, run.hasModel, !Task.isCancelled {
                    answerer.remarks?.note(trouble, of: run.question.model, failure)
                }
                tell(.end(told))
            case .ask, .check, .stopModel:
                break
            }
        }
    }

    // MARK: Checks and ends

    private func checked(_ text: String) async throws -> [CheckedSentence] {
        var sources = passages.map { CitationSource($0, text: nil, title: nil) }
        for (document, places) in Dictionary(grouping: passages.indices, by: { passages[$0].document }) {
            do {
                let ranges = places.map { passages[$0].chunk.range }
                let excerpts = try await answerer.source.excerpts(of: document, at: ranges)
                for (place, text) in zip(places, excerpts.texts) {
                    sources[place] = CitationSource(passages[place], text: text, title: excerpts.title)
                }
            } catch is KnowledgeError {
                // It was replaced since it was found: the chunk's own text is left.
            }
        }
        return CitationChecker(sources, bars: answerer.settings.bars).check(text)
    }

    private mutating func showPassages(afterText: Bool, _ tell: (AnswerEvent) -> Void) async throws {
        if afterText { citations = try await checked(said) }
        let opening = (afterText ? language.brokenOff : "") + (run.hasModel ? language.degraded : language.passages)
        let extract = Extract(passages, at: (said + opening).unicodeScalars.count)
        said += opening + extract.text
        tell(.text(opening))
        tell(.text(extract.text))
        tell(.citations(citations + extract.citations))
    }

    private func keep(_ end: AnswerMachine.End) async {
        guard case .answered(let reason) = end, let cache = answerer.cache else { return }
        let answer = CachedAnswer(
            text: said, sources: passages, citations: citations, finishReason: reason, promptTokens: promptTokens,
            answerTokens: answerTokens)
        await cache.keep(answer, for: run.shape, vector, run.scope, epochs: run.epochs)
    }

    private func event(of end: AnswerMachine.End) -> AnswerEnd {
        var told = AnswerEnd(kind: .answered, promptTokens: promptTokens, answerTokens: answerTokens)
        switch end {
        case .answered(let reason): told.finishReason = reason
        case .refused: told.kind = .refused
        case .degraded(let reason, let trouble):
            let isMissed = answerer.model == nil && run.question.model != ""
            (told.kind, told.finishReason) = (.degraded, reason)
            told.trouble = trouble ?? (isMissed ? .absent : nil)
        }
        return told
    }
}
