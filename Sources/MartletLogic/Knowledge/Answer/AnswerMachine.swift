/// What happens to one question, from its search to its end.
///
/// ```
/// searching ── found ──▶ asking ── first piece ──▶ streaming ── finished ──▶ checking ── checked ──▶ ended
///     │                    └ failed, slow:                └ failed: broken off,
///     │                      the passages, ended            the passages, ended
///     └ nothing that answers: refused, ended
/// any ── gone ──▶ ended, and a model that is asked is stopped
/// ```
/// A search that fails has no event: its error is the answer's.
/// What comes after the end comes too late and is ignored.
public struct AnswerMachine: Sendable {
    public enum Event: Sendable, Equatable {
        /// - Parameters:
        ///   - isAnswerable: ``AnswerRefusal`` does not refuse.
        ///   - hasModel: There is one to be asked.
        case found(passages: Int, isAnswerable: Bool, hasModel: Bool)
        case piece(ReasoningSplitter.Piece)
        /// As the model says it: `stop`, `length`, …
        case finished(String)
        /// There is none of its name, it is down or over its limits, or its stream broke.
        case failed(ModelTrouble)
        /// Nothing came from it in the time that it has to begin.
        case slow
        /// - Parameter saysNothing: The answer says that the sources have none.
        case checked(saysNothing: Bool)
        /// Whoever asked has gone.
        case gone
    }

    public enum Action: Sendable, Equatable {
        case ask
        case tell(ReasoningSplitter.Piece)
        /// The model's call is not needed any more.
        case stopModel
        case refuse
        /// - Parameter afterText: Something was said already.
        case showPassages(afterText: Bool)
        case check
        case end(End)
    }

    public enum End: Sendable, Equatable {
        case answered(String)
        case refused
        /// - Parameter trouble: nil: no model was to be asked.
        case degraded(String, ModelTrouble?)
    }

    public enum State: Sendable, Equatable {
        case searching, asking
        /// - Parameter hasText: It has said something, not only thought.
        case streaming(hasText: Bool)
        case checking(reason: String)
        case ended
    }

    public private(set) var state = State.searching

    /// Whether what the model does makes a difference.
    public var isHearing: Bool {
        switch state {
        case .asking, .streaming: true
        case .searching, .checking, .ended: false
        }
    }

    public init() {}

    public mutating func handle(_ event: Event) -> [Action] {
        switch (state, event) {
        case (.ended, _):
            return []
        case (_, .gone):
            defer { state = .ended }
            switch state {
            case .asking, .streaming: return [.stopModel]
            case .searching, .checking, .ended: return []
            }
        case (.searching, .found(let passages, let isAnswerable, let hasModel)):
            guard passages > 0, isAnswerable else { return end([.refuse], .refused) }
            guard hasModel else { return end([.showPassages(afterText: false)], .degraded("stop", nil)) }
            state = .asking
            return [.ask]
        case (.asking, .piece(let piece)):
            state = .streaming(hasText: piece.isText)
            return [.tell(piece)]
        case (.streaming(let hasText), .piece(let piece)):
            state = .streaming(hasText: hasText || piece.isText)
            return [.tell(piece)]
        case (.streaming(hasText: true), .finished(let reason)):
            state = .checking(reason: reason)
            return [.check]
        // A model that ended without a word, or only thought, is of no more use than one that failed.
        case (.asking, .finished), (.streaming(hasText: false), .finished):
            return end([.showPassages(afterText: false)], .degraded("stop", .down))
        case (.asking, .failed(let trouble)), (.streaming(hasText: false), .failed(let trouble)):
            return end([.showPassages(afterText: false)], .degraded("stop", trouble))
        case (.asking, .slow):
            return end([.stopModel, .showPassages(afterText: false)], .degraded("stop", .slow))
        case (.streaming(hasText: true), .failed(let trouble)):
            return end([.showPassages(afterText: true)], .degraded("error", trouble))
        case (.checking(let reason), .checked(let saysNothing)):
            return end([], saysNothing ? .refused : .answered(reason))
        default:
            // The clock of a model that has begun, or a second end of it.
            return []
        }
    }

    private mutating func end(_ actions: [Action], _ end: End) -> [Action] {
        state = .ended
        return actions + [.end(end)]
    }
}

extension ReasoningSplitter.Piece {
    var isText: Bool {
        if case .text = self { true } else { false }
    }
}
