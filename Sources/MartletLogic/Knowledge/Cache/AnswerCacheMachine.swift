public import MartletBase

/// Which answers are given again, and when they are not any more.
///
/// An answer holds as long as the same search would find the same passages. It was found in some epoch of each of its
/// bases, and is given only where no base has a newer one. A change of a base carries it over to the new epoch, if none
/// of its passages is touched and no new chunk would be among them; else it goes:
///
/// 1. ``fence(_:epoch:)`` comes first: from then on nothing of an older epoch is given or kept, however late it comes.
/// 2. ``begin(_:)`` drops what rests on something that is gone, and says which questions are to be searched for again.
/// 3. ``finish(_:unchanged:)`` drops those whose passages would be others, and carries the rest over.
///
/// Changes of a base go through 2 and 3 one after the other, in their order. One that was missed carries nothing over.
public struct AnswerCacheMachine: Sendable {
    public struct Limits: Sendable, Equatable {
        public var answers = 2000
        public var bytes = 64 << 20
        public var age = Duration.seconds(24 * 3600)
        /// As near as this two questions may be the same.
        public var nearness: Float = 0.95

        public init() {}
    }

    public struct Figures: Sendable, Equatable {
        /// Given for the very question, and for one that means the same.
        public var hits = 0
        public var nearHits = 0
        public var kept = 0
        /// Gone because a base changed, and carried over although it did.
        public var dropped = 0
        public var carried = 0

        public init() {}
    }

    private struct Key: Sendable, Hashable {
        var scope: AnswerScope
        var text: String
    }

    private struct Entry: Sendable {
        let id: Int
        let shape: QuestionShape
        let vector: [Float]?
        let answer: CachedAnswer
        var epochs: [String: Int]
    }

    private let limits: Limits
    private var cache: BoundedCache<Key, Entry>
    private var keys: [Int: Key] = [:]
    /// For questions that mean the same.
    private var scopes: [AnswerScope: Set<Int>] = [:]
    private var bases: [String: Set<Int>] = [:]
    /// The latest epoch that was heard of, of each base that is there.
    private var epochs: [String: Int] = [:]
    private var lastID = 0
    public private(set) var figures = Figures()

    public init(_ limits: Limits = Limits()) {
        self.limits = limits
        cache = BoundedCache(count: limits.answers, bytes: limits.bytes, age: limits.age)
    }

    public var count: Int { cache.size }
    public var bytes: Int { cache.usedBytes }
    /// Bases of which something is remembered.
    var knownBases: Int { Set(bases.keys).union(epochs.keys).count }

    // MARK: Giving

    /// The answer to the very question.
    ///
    /// - Parameter epochs: Of all bases of the scope, as the caller sees them.
    public mutating func answer(
        to shape: QuestionShape, _ scope: AnswerScope, epochs: [String: Int], now: Instant
    ) -> CachedAnswer? {
        let key = Key(scope: scope, text: shape.text)
        guard let entry = cache.peek(key, now: now) else {
            if let gone = cache.remove(key) { forget(gone.id) }
            return nil
        }
        guard holds(entry, epochs) else { return nil }
        figures.hits += 1
        return cache.use(key, now: now)?.answer
    }

    /// The answer to a question that means the same and rests on the same passages.
    ///
    /// - Parameters:
    ///   - vector: Of length 1, of the same model as those that were kept.
    ///   - passages: What was found for the question.
    public mutating func answer(
        near shape: QuestionShape, _ vector: [Float], _ passages: [Passage],
        _ scope: AnswerScope, epochs: [String: Int],
        now: Instant
    ) -> CachedAnswer? {
        let found = Set(passages.map(\.id))
        var best: (key: Key, cosine: Float)?
        for id in scopes[scope] ?? [] {
            guard let key = keys[id], let entry = cache.peek(key, now: now), holds(entry, epochs),
                let other = entry.vector, other.count == vector.count, Set(entry.answer.sources.map(\.id)) == found
            else { continue }
            let cosine = Vectors.dot(vector, other)
            guard cosine >= limits.nearness, cosine > best?.cosine ?? -1,
                entry.shape.asksTheSame(as: shape, sources: entry.answer.sources)
            else { continue }
            best = (key, cosine)
        }
        guard let best else { return nil }
        figures.nearHits += 1
        return cache.use(best.key, now: now)?.answer
    }

    /// Whether no base has gone on since.
    private func holds(_ entry: Entry, _ seen: [String: Int]) -> Bool {
        entry.epochs.allSatisfy { base, epoch in epoch >= max(seen[base] ?? .max, epochs[base] ?? 0) }
    }

    // MARK: Keeping

    /// - Parameters:
    ///   - vector: Of the question; nil: it is found by its very words only.
    ///   - epochs: Of all bases of the scope, read before the search began.
    /// - Returns: false: it is not kept, as a base has gone on since, or it is not worth it or too large.
    public mutating func keep(
        _ answer: CachedAnswer, for shape: QuestionShape, _ vector: [Float]?,
        _ scope: AnswerScope, epochs: [String: Int],
        now: Instant
    ) -> Bool {
        guard answer.isWorthKeeping, scope.bases.allSatisfy({ (epochs[$0] ?? -1) >= (self.epochs[$0] ?? 0) }) else {
            return false
        }
        let key = Key(scope: scope, text: shape.text)
        if let old = cache.remove(key) { forget(old.id) }
        lastID += 1
        let own = epochs.filter { scope.bases.contains($0.key) }
        let entry = Entry(id: lastID, shape: shape, vector: vector, answer: answer, epochs: own)
        keys[entry.id] = key
        scopes[scope, default: []].insert(entry.id)
        for base in scope.bases { bases[base, default: []].insert(entry.id) }
        let bytes = answer.bytes + scope.bytes + shape.text.utf8.count + (vector?.count ?? 0) * 4 + 512
        let gone = cache.put(key, entry, bytes: bytes, now: now)
        for key in gone { forgetAll(under: key) }
        guard !gone.contains(key) else { return false }
        figures.kept += 1
        return true
    }

    // MARK: Changes

    /// A base has gone on to an epoch.
    public mutating func fence(_ base: String, epoch: Int) {
        epochs[base] = max(epochs[base] ?? 0, epoch)
    }

    /// Drops what the change takes away.
    ///
    /// - Returns: the questions that are to be searched for again; none: ``finish(_:unchanged:)`` is not needed.
    public mutating func begin(_ change: BaseChange) -> [CachedQuestion] {
        fence(change.base, epoch: change.epoch)
        var open: [CachedQuestion] = []
        for id in bases[change.base] ?? [] {
            guard let key = keys[id], let entry = cache.peek(key) else { continue }
            let question = CachedQuestion(id: id, key.text, entry.vector, key.scope, entry.answer)
            switch question.fate(under: change, foundIn: entry.epochs[change.base] ?? -1) {
            case .goes: drop(id)
            case .isCarriedOver: carry(id, change)
            case .isOpen: open.append(question)
            case .isUntouched: break
            }
        }
        return open
    }

    /// - Parameter unchanged: Those of the questions of ``begin(_:)`` whose search finds the same passages as before;
    ///   one that is not in it goes.
    public mutating func finish(_ change: BaseChange, unchanged: Set<Int>) {
        for id in bases[change.base] ?? [] {
            guard let key = keys[id], let entry = cache.peek(key),
                entry.epochs[change.base] == change.previous
            else { continue }
            if unchanged.contains(id) { carry(id, change) } else { drop(id) }
        }
    }

    /// A base is no more. One that comes under its name has later epochs, so what is still on its way for the old one
    /// is given to nobody.
    public mutating func remove(base: String) {
        for id in bases[base] ?? [] { drop(id) }
        epochs[base] = nil
    }

    private mutating func carry(_ id: Int, _ change: BaseChange) {
        guard let key = keys[id] else { return }
        figures.carried += 1
        cache.change(key) { $0.epochs[change.base] = change.epoch }
    }

    // MARK: Books

    private mutating func drop(_ id: Int) {
        guard let key = keys[id] else { return }
        figures.dropped += 1
        cache.remove(key)
        forget(id)
    }

    private mutating func forgetAll(under key: Key) {
        for id in scopes[key.scope] ?? [] where keys[id] == key { forget(id) }
    }

    private mutating func forget(_ id: Int) {
        guard let key = keys.removeValue(forKey: id) else { return }
        scopes[key.scope]?.remove(id)
        if scopes[key.scope]?.isEmpty == true { scopes[key.scope] = nil }
        for base in key.scope.bases {
            bases[base]?.remove(id)
            if bases[base]?.isEmpty == true { bases[base] = nil }
        }
    }
}
