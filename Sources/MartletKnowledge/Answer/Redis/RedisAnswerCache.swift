import Foundation
import MartletBase
package import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// Answers that nodes on one store share, in a Redis server: what one of them keeps, all of them give again.
///
/// It holds what ``AnswerCacheMachine`` does. An answer lies there with the epoch of each of its bases, and is given
/// where no base has a newer one: neither as the caller sees it in the store nor as somebody has told. A node that
/// changes a base tells of its epoch first. Then it drops the answers that rest on what is gone, has the others
/// searched for again, and carries over those that find the same; each in one step of the server, and only from the
/// epoch before. What is not carried over, as the server or the node went away in the midst, is never given again.
package final class RedisAnswerCache: AnswerCache {
    /// Of an answer with its passages: as many are kept as have room by that, and a larger one is not.
    private static let entryBytes = 64 << 10
    /// Answers that rest on the same passages and are compared with a question.
    private static let mostNear = 16
    /// Answers of a base that are looked at together.
    private static let page = 64
    /// So long a change looks at answers, at most.
    private static let patience = Duration.seconds(2)

    private let link: RedisLink
    private let keys: AnswerKeys
    private let limits: AnswerCacheMachine.Limits
    private let counts = Mutex(AnswerCacheMachine.Figures())
    /// Seconds since 1970.
    private let now: @Sendable () -> Double

    /// - Parameter store: What tells its nodes' store from others.
    package init(
        _ link: RedisLink, store: String, _ limits: AnswerCacheMachine.Limits = .init(),
        now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) {
        (self.link, self.limits, self.now) = (link, limits, now)
        keys = AnswerKeys(store: store)
    }

    package var figures: AnswerCacheMachine.Figures { counts.withLock { $0 } }

    private var most: Int { max(1, min(limits.answers, limits.bytes / Self.entryBytes)) }
    private var age: String { "\(max(1, limits.age.wholeNanoseconds / 1_000_000))" }

    // MARK: Giving

    package func answer(to shape: QuestionShape, _ scope: AnswerScope, epochs: [String: Int]) async -> CachedAnswer? {
        guard let id = try? keys.id(scope, shape.text) else { return nil }
        let kept = await read([id], fields: [AnswerKeys.answer], scope.bases, epochs)[id]
        let answer = KeptAnswer.read(CachedAnswer.self, kept?.first)
        if answer != nil { counts.withLock { $0.hits += 1 } }
        return answer
    }

    package func answer(
        near shape: QuestionShape, _ vector: [Float], _ passages: [Passage], _ scope: AnswerScope, epochs: [String: Int]
    ) async -> CachedAnswer? {
        guard let near = try? keys.near(scope, Set(passages.map(\.id))) else { return nil }
        var pipeline = RedisPipeline()
        pipeline.append(["ZRANGE", near, "0", "-1"])
        let ids = await link.run(pipeline)?.first?.list.compactMap(\.text) ?? []
        guard !ids.isEmpty else { return nil }
        let fields = [AnswerKeys.vector, AnswerKeys.question, AnswerKeys.answer]
        var best: (cosine: Float, answer: CachedAnswer)?
        for kept in await read(ids, fields: fields, scope.bases, epochs).values {
            guard let other = KeptAnswer.vector(kept[0]), other.count == vector.count else { continue }
            let cosine = Vectors.dot(vector, other)
            guard cosine >= limits.nearness, cosine > best?.cosine ?? -1,
                let question = KeptAnswer.read(CachedQuestion.self, kept[1]),
                let answer = KeptAnswer.read(CachedAnswer.self, kept[2]),
                QuestionShape(question.text).asksTheSame(as: shape, sources: answer.sources)
            else { continue }
            best = (cosine, answer)
        }
        if best != nil { counts.withLock { $0.nearHits += 1 } }
        return best?.answer
    }

    /// Fields of those of the answers that no base has gone on since.
    private func read(
        _ ids: [String], fields: [String], _ bases: [String], _ seen: [String: Int]
    ) async -> [String: [RESPValue]] {
        guard !bases.isEmpty else { return [:] }
        var pipeline = RedisPipeline()
        for id in ids { pipeline.append(["HMGET", keys.answer(id)] + bases.map(AnswerKeys.field) + fields) }
        // Last, so that it is as new as what was read before it.
        pipeline.append(["MGET"] + bases.map { keys.epoch(of: $0) })
        guard let replies = await link.run(pipeline), let told = replies.last?.list, told.count == bases.count else {
            return [:]
        }
        let least = zip(bases, told).map { max(seen[$0] ?? .max, $1.integer ?? 0) }
        return zip(ids, replies).reduce(into: [:]) { found, pair in
            let values = pair.1.list
            guard values.count == bases.count + fields.count,
                zip(values, least).allSatisfy({ ($0.integer ?? -1) >= $1 })
            else { return }
            found[pair.0] = Array(values.dropFirst(bases.count))
        }
    }

    // MARK: Keeping

    package func keep(
        _ answer: CachedAnswer, for shape: QuestionShape, _ vector: [Float]?,
        _ scope: AnswerScope, epochs: [String: Int]
    ) async {
        guard answer.isWorthKeeping, scope.bases.allSatisfy({ epochs[$0] != nil }) else { return }
        do {
            let text = try KeptAnswer.text(answer)
            // Its vector has a place of its own.
            let question = try KeptAnswer.text(CachedQuestion(id: 0, shape.text, nil, scope, answer))
            let numbers = KeptAnswer.bytes(vector)
            guard text.readableBytes + question.readableBytes + numbers.readableBytes <= Self.entryBytes else { return }
            let id = try keys.id(scope, shape.text)
            let near = try keys.near(scope, Set(answer.sources.map(\.id)))
            var words = [keys.answer(id), keys.all, near]
            words += scope.bases.flatMap { [keys.answers(of: $0), keys.epoch(of: $0)] }
            words.insert("\(words.count)", at: 0)
            words += [id, "\(Int(now() * 1000))", age, "\(most)", "\(Self.mostNear)", keys.answer("")]
            var all = (["EVAL", AnswerScript.keep] + words).map { ByteBuffer(string: $0) } + [text, question, numbers]
            for base in scope.bases {
                all += [AnswerKeys.field(base), "\(epochs[base] ?? 0)"].map { ByteBuffer(string: $0) }
            }
            var pipeline = RedisPipeline()
            pipeline.append(all)
            if await link.run(pipeline)?.first?.integer == 1 { counts.withLock { $0.kept += 1 } }
        } catch {
            // What cannot be written down is not kept.
        }
    }

    // MARK: Changes

    package func change(
        _ change: BaseChange, unchanged: @escaping @Sendable ([CachedQuestion]) async -> Set<Int>
    ) async {
        let end = ContinuousClock.now + Self.patience
        var pipeline = RedisPipeline()
        pipeline.append(["EVAL", AnswerScript.tell, "1", keys.epoch(of: change.base), "\(change.epoch)", age])
        pipeline.append(["ZRANGE", keys.answers(of: change.base), "0", "-1"])
        guard let ids = await link.run(pipeline)?.last?.list.compactMap(\.text) else { return }
        var (gone, same): ([String], [String]) = ([], [])
        var open: [CachedQuestion] = []
        for start in stride(from: 0, to: ids.count, by: Self.page) where ContinuousClock.now < end {
            let page = Array(ids[start..<min(start + Self.page, ids.count)])
            for (offset, kept) in await questions(page, of: change.base).enumerated() {
                guard var question = kept?.question, let epoch = kept?.epoch else {
                    gone.append(page[offset])
                    continue
                }
                question.id = start + offset
                switch question.fate(under: change, foundIn: epoch) {
                case .goes: gone.append(page[offset])
                case .isCarriedOver: same.append(page[offset])
                case .isOpen: open.append(question)
                case .isUntouched: break
                }
            }
        }
        let found = open.isEmpty ? [] : await unchanged(open)
        for question in open {
            if found.contains(question.id) { same.append(ids[question.id]) } else { gone.append(ids[question.id]) }
        }
        await carry(same, change)
        await drop(gone, of: change.base)
    }

    /// Of each of the answers, its question and the base's epoch that it holds in; nil: it is not there any more.
    private func questions(
        _ ids: [String], of base: String
    ) async -> [(question: CachedQuestion, epoch: Int)?] {
        var pipeline = RedisPipeline()
        for id in ids {
            pipeline.append(
                ["HMGET", keys.answer(id), AnswerKeys.question, AnswerKeys.vector, AnswerKeys.field(base)])
        }
        let replies = await link.run(pipeline) ?? []
        return replies.map { reply in
            let values = reply.list
            guard values.count == 3, let epoch = values[2].integer,
                var question = KeptAnswer.read(CachedQuestion.self, values[0])
            else { return nil }
            question.vector = KeptAnswer.vector(values[1])
            return (question, epoch)
        }
    }

    private func carry(_ ids: [String], _ change: BaseChange) async {
        guard !ids.isEmpty else { return }
        var pipeline = RedisPipeline()
        for id in ids {
            pipeline.append([
                "EVAL", AnswerScript.carry, "1", keys.answer(id), AnswerKeys.field(change.base), "\(change.previous)",
                "\(change.epoch)",
            ])
        }
        let carried = await link.run(pipeline)?.count { $0.integer == 1 } ?? 0
        counts.withLock { $0.carried += carried }
    }

    private func drop(_ ids: [String], of base: String) async {
        guard !ids.isEmpty else { return }
        var pipeline = RedisPipeline()
        pipeline.append(["DEL"] + ids.map { keys.answer($0) })
        for list in [keys.all, keys.answers(of: base)] { pipeline.append(["ZREM", list] + ids) }
        let dropped = await link.run(pipeline)?.first?.integer ?? 0
        counts.withLock { $0.dropped += dropped }
    }

    package func remove(base: String) async {
        var pipeline = RedisPipeline()
        pipeline.append(["ZRANGE", keys.answers(of: base), "0", "-1"])
        await drop(await link.run(pipeline)?.first?.list.compactMap(\.text) ?? [], of: base)
    }
}
