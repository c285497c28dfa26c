import MartletBase
import MartletKnowledge
import MartletLogic
import Synchronization

/// Bases in memory, which count what is asked of them.
final class FakeBases: PassageSource {
    struct State {
        var texts: [String]
        var epoch = 1
        var searches = 0
        var vectors = 0
        /// Those that began and have not ended.
        var searching = 0
        var error: KnowledgeError?
        var vectorError: KnowledgeError?
    }

    let state: Mutex<State>
    /// Opened: searches go on. Shut: they wait for it, or for their cancellation.
    let gate: Gate

    init(_ texts: [String], isOpen: Bool = true) {
        state = Mutex(State(texts: texts))
        gate = Gate(isOpen: isOpen)
    }

    static let version = DocumentVersion(base: "a", name: "手册.md", version: 1)

    func vector(of question: String, for bases: [String]) async throws -> [Float]? {
        try state.withLock { state in
            state.vectors += 1
            if let error = state.vectorError { throw error }
            return [1, 0]
        }
    }

    func search(_ query: RetrievalQuery, in bases: [String]) async throws -> [Passage] {
        state.withLock { ($0.searches, $0.searching) = ($0.searches + 1, $0.searching + 1) }
        defer { state.withLock { $0.searching -= 1 } }
        try await gate.wait()
        return try state.withLock { state in
            if let error = state.error { throw error }
            var offset = 0
            return state.texts.prefix(query.limit).enumerated().map { index, text in
                defer { offset += text.unicodeScalars.count + 1 }
                let chunk = Chunk(text: text, range: offset..<offset + text.unicodeScalars.count)
                let why = Passage.Why(cosine: query.vector == nil ? nil : 0.8)
                return Passage(id: ChunkID(Int64(index)), document: Self.version, chunk: chunk, score: 0.8, why: why)
            }
        }
    }

    func excerpts(of document: DocumentVersion, at ranges: [Range<Int>]) async throws -> DocumentExcerpts {
        DocumentExcerpts(DocumentText(text: state.withLock { $0.texts.joined(separator: "\n") }), at: ranges)
    }

    func epochs(of bases: [String]) async throws -> [String: Int] {
        let epoch = state.withLock { $0.epoch }
        return Dictionary(uniqueKeysWithValues: bases.map { ($0, epoch) })
    }
}

/// Holds tasks up until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen: Bool
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        var watchers: [(count: Int, CheckedContinuation<Void, Never>)] = []
        var cancelled = Set<Int>()
        var last = 0
        /// Who has come, open or not; and who left again because of a cancellation.
        var arrived = 0
        var left = 0
        var leaveWatchers: [(count: Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>

    init(isOpen: Bool) { state = Mutex(State(isOpen: isOpen)) }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values.map { $0 }
        }
        for continuation in waiting { continuation.resume() }
    }

    /// - Throws: `CancellationError`.
    func wait() async throws {
        let id = state.withLock { state in
            state.last += 1
            return state.last
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (isNow, isCancelled, watchers) = state.withLock { state in
                    state.arrived += 1
                    let due = state.watchers.filter { $0.count <= state.arrived }.map(\.1)
                    state.watchers.removeAll { $0.count <= state.arrived }
                    let isCancelled = state.cancelled.contains(id)
                    if !state.isOpen, !isCancelled { state.waiting[id] = continuation }
                    return (state.isOpen, isCancelled, due)
                }
                for watcher in watchers { watcher.resume() }
                if isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else if isNow {
                    continuation.resume()
                }
            }
        } onCancel: {
            let (continuation, watchers) = state.withLock { state in
                state.cancelled.insert(id)
                state.left += 1
                let due = state.leaveWatchers.filter { $0.count <= state.left }.map(\.1)
                state.leaveWatchers.removeAll { $0.count <= state.left }
                return (state.waiting.removeValue(forKey: id), due)
            }
            continuation?.resume(throwing: CancellationError())
            for watcher in watchers { watcher.resume() }
        }
    }

    /// Until so many have come.
    func arrivals(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isNow = state.withLock { state in
                if state.arrived < count { state.watchers.append((count, continuation)) }
                return state.arrived >= count
            }
            if isNow { continuation.resume() }
        }
    }

    /// Until so many that waited were cancelled.
    func departures(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isNow = state.withLock { state in
                if state.left < count { state.leaveWatchers.append((count, continuation)) }
                return state.left >= count
            }
            if isNow { continuation.resume() }
        }
    }
}

/// Says what it is told to say, and counts its calls.
final class FakeModel: AnswerModel {
    enum Step: Sendable {
        case piece(ModelPiece)
        /// Waits for the gate.
        case wait
        case fail
        /// Before its first piece.
        case refuse(KnowledgeError.Code)
    }

    struct State {
        var calls: [[PromptMessage]] = []
        /// Calls whose reader has gone or that came to their end.
        var ended = 0
    }

    let state = Mutex(State())
    let gate = Gate(isOpen: false)
    private let script: @Sendable ([PromptMessage]) -> [Step]

    var calls: [[PromptMessage]] { state.withLock { $0.calls } }

    init(_ script: @escaping @Sendable ([PromptMessage]) -> [Step]) { self.script = script }

    /// Says this, a few letters at a time.
    convenience init(saying text: String) { self.init { _ in Self.pieces(text) } }

    static func pieces(_ text: String) -> [Step] {
        let scalars = Array(text.unicodeScalars)
        return stride(from: 0, to: scalars.count, by: 3).map { start in
            .piece(.text(String(String.UnicodeScalarView(scalars[start..<min(start + 3, scalars.count)]))))
        } + [.piece(.finished("stop")), .piece(.usage(promptTokens: 10, answerTokens: 5))]
    }

    func stream(
        _ messages: [PromptMessage], _ parameters: ModelParameters
    ) async throws -> AsyncThrowingStream<ModelPiece, any Error> {
        state.withLock { $0.calls.append(messages) }
        let steps = script(messages)
        switch steps.first {
        case .fail: throw KnowledgeError(.unavailable, "The model is down.")
        case .refuse(let code): throw KnowledgeError(code, "The model does not want to.")
        default: break
        }
        let (stream, continuation) = AsyncThrowingStream<ModelPiece, any Error>.makeStream()
        let task = Task { [gate] in
            do {
                for step in steps {
                    switch step {
                    case .piece(let piece): continuation.yield(piece)
                    case .wait: try await gate.wait()
                    case .fail, .refuse: throw KnowledgeError(.unavailable, "The model broke off.")
                    }
                }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.ended += 1 }
            task.cancel()
        }
        return stream
    }
}

/// What a reader hears of an answer.
struct Heard {
    var sources: [Passage] = []
    var reasoning = ""
    var text = ""
    var citations: [CheckedSentence] = []
    var end: AnswerEnd?
    /// The kinds of events in their order, neighbours of one kind once.
    var order: [String] = []

    init(_ events: AsyncThrowingStream<AnswerEvent, any Error>) async throws {
        for try await event in events {
            let kind: String
            switch event {
            case .sources(let passages): (kind, sources) = ("sources", passages)
            case .reasoning(let piece): (kind, reasoning) = ("reasoning", reasoning + piece)
            case .text(let piece): (kind, text) = ("text", text + piece)
            case .citations(let sentences): (kind, citations) = ("citations", sentences)
            case .end(let end): (kind, self.end) = ("end", end)
            }
            if order.last != kind { order.append(kind) }
        }
    }
}
