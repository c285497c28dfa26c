import MartletBase
import Testing

@testable import MartletLogic

/// A base whose chunks are searched by brute force: what is true at each moment.
private struct Oracle {
    struct Held { var vector: [Float]; var document: Int; var version: Int }

    var random: SplitMix64
    var chunks: [ChunkID: Held] = [:]
    var versions: [Int: Int] = [:]
    var epoch = 1
    private var lastID: Int64 = 0

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func vector() -> [Float] {
        let raw = (0..<16).map { _ in Float.random(in: -1...1, using: &random) }
        let length = Vectors.dot(raw, raw).squareRoot()
        return raw.map { $0 / length }
    }

    func search(_ query: [Float], limit: Int, minimum: Double) -> [Passage] {
        var best: [(score: Double, id: ChunkID)] = []
        for (id, held) in chunks {
            let score = score(query, held.vector)
            guard score >= minimum, best.count < limit || (score, best[limit - 1].id) > (best[limit - 1].score, id)
            else { continue }
            best.insert((score, id), at: best.firstIndex { (score, $0.id) > ($0.score, id) } ?? best.count)
            if best.count > limit { best.removeLast() }
        }
        return best.compactMap { score, id in
            chunks[id].map { held in
                Passage(
                    id: id, document: DocumentVersion(base: "a", name: "\(held.document)", version: held.version),
                    chunk: Chunk(text: "t\(id.number)", range: 0..<1), score: score)
            }
        }
    }

    func score(_ query: [Float], _ vector: [Float]) -> Double { (Double(Vectors.dot(query, vector)) + 1) / 2 }

    /// Adds, replaces or deletes a document, keeping some of its chunks.
    mutating func change() -> BaseChange {
        let document = Int.random(in: 0..<200, using: &random)
        let own = chunks.filter { $0.value.document == document }.map(\.key).sorted()
        let wasThere = versions[document] != nil
        let isDeletion = wasThere && Int.random(in: 0..<4, using: &random) == 0
        var gone = Set<ChunkID>()
        for id in own where isDeletion || Bool.random(using: &random) {
            chunks[id] = nil
            gone.insert(id)
        }
        var new: [ChunkID] = []
        versions[document] = isDeletion ? nil : (versions[document] ?? 0) + 1
        if !isDeletion {
            for id in chunks.keys where chunks[id]?.document == document {
                chunks[id]?.version = versions[document] ?? 0
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                lastID += 1
                let vector = vector()
                chunks[ChunkID(lastID)] = Held(vector: vector, document: document, version: versions[document] ?? 0)
                new.append(ChunkID(lastID))
            }
        }
        epoch += 1
        let change = BaseChange(
            base: "a", previous: epoch - 1, epoch: epoch, gone: gone, documents: wasThere ? ["\(document)"] : [],
            hasNew: !new.isEmpty)
        return change
    }
}

@Suite("The cache against one that always asks anew")
struct AnswerCacheOracleTests {
    private let now = Instant(nanoseconds: 1)

    @Test("No old answer is ever given, and at least 9 of 10 answers that hold are kept", arguments: UInt64(1)...4)
    func oracle(seed: UInt64) {
        var oracle = Oracle(seed: seed)
        for _ in 0..<250 { _ = oracle.change() }
        let questions = (0..<24).map { (QuestionShape("q\($0)"), oracle.vector()) }
        let scope = AnswerScope(bases: ["a"], model: "m", limit: 5, minimumScore: 0.5)
        var machine = AnswerCacheMachine()
        machine.fence("a", epoch: oracle.epoch)
        var truth = questions.map { oracle.search($0.1, limit: 5, minimum: 0.5) }
        var (stale, held, kept, given) = (0, 0, 0, 0)
        // Answers on their way: found in an epoch, to be kept in a later one.
        var late: [(question: Int, passages: [Passage], epoch: Int)] = []
        for _ in 0..<150 {
            let change = oracle.change()
            let isThere = questions.map {
                machine.answer(to: $0.0, scope, epochs: ["a": change.previous], now: now) != nil
            }
            let open = machine.begin(change)
            let same = open.filter { question in
                let found = question.vector.map { oracle.search($0, limit: question.limit, minimum: 0.5) } ?? []
                return Set(found.map(\.id)) == question.found
            }
            machine.finish(change, unchanged: Set(same.map(\.id)))
            for (index, item) in late.enumerated().reversed() where Bool.random(using: &oracle.random) {
                late.remove(at: index)
                let answer = CachedAnswer(
                    text: "late", sources: item.passages, citations: [CheckedSentence(range: 0..<1)])
                let (shape, vector) = questions[item.question]
                _ = machine.keep(answer, for: shape, vector, scope, epochs: ["a": item.epoch], now: now)
            }
            for (index, (shape, vector)) in questions.enumerated() {
                let found = oracle.search(vector, limit: 5, minimum: 0.5)
                let isSame = found == truth[index]
                truth[index] = found
                let answer = machine.answer(to: shape, scope, epochs: ["a": oracle.epoch], now: now)
                if let answer {
                    given += 1
                    if answer.sources != found { stale += 1 }
                } else if Int.random(in: 0..<3, using: &oracle.random) == 0, !found.isEmpty {
                    late.append((index, found, oracle.epoch))
                    if Bool.random(using: &oracle.random) {
                        let whole = CachedAnswer(text: "x", sources: found, citations: [CheckedSentence(range: 0..<1)])
                        _ = machine.keep(whole, for: shape, vector, scope, epochs: ["a": oracle.epoch], now: now)
                    }
                }
                if isThere[index], isSame {
                    held += 1
                    if answer != nil { kept += 1 }
                }
            }
        }
        print("seed \(seed): \(given) given, \(stale) old; of \(held) that held, \(kept) were kept")
        #expect(given > 1000 && stale == 0)
        #expect(Double(kept) >= 0.9 * Double(held))
    }

    @Test("A log of questions with 35 of 100 repeated hits at least 30 of 100")
    func log() {
        var random = SplitMix64(seed: 11)
        var machine = AnswerCacheMachine()
        let scope = AnswerScope(bases: ["a"], model: "m", limit: 1)
        var asked: [Int] = []
        var hits = 0
        for number in 0..<5000 {
            // Half of the repeats are written a little otherwise.
            let isRepeat = !asked.isEmpty && Int.random(in: 0..<100, using: &random) < 35
            let recent = asked.suffix(1500)
            let topic = isRepeat ? recent.randomElement(using: &random) ?? number : number
            asked.append(topic)
            let question = isRepeat && Bool.random(using: &random) ? "第\(topic)号文件怎么办理" : "第\(topic)号文件怎么办理？"
            let shape = QuestionShape(question)
            if machine.answer(to: shape, scope, epochs: ["a": 1], now: now) != nil {
                hits += 1
            } else {
                let document = DocumentVersion(base: "a", name: "x", version: 1)
                let passage = Passage(id: ChunkID(1), document: document, chunk: Chunk(text: "x", range: 0..<1),
                    score: 1)
                let answer = CachedAnswer(text: "x", sources: [passage], citations: [CheckedSentence(range: 0..<1)])
                _ = machine.keep(answer, for: shape, nil, scope, epochs: ["a": 1], now: now)
            }
        }
        print("\(hits) hits of 5000")
        #expect(hits >= 1500)
    }
}
