import Foundation
import Logging
import MartletKnowledge
import MartletLogic
import MartletNet
import MartletStore
import MartletTelemetry
import NIOPosix

/// What the knowledge room remembers of answers and conversations: on this machine, or in a Redis server that nodes
/// share.
struct KnowledgeMemory: Sendable {
    /// nil: none are kept.
    let cache: (any AnswerCache)?
    let sessions: any SessionStore
    private let answerLink: RedisLink?
    private let sessionLink: RedisLink?

    /// - Throws: `SessionError`: the file of sessions cannot be opened.
    init(
        _ knowledge: KnowledgeConfiguration, _ engine: any KnowledgeEngine, in folder: String, logger: Logger
    ) throws {
        let link = { (url: RedisURL) in
            RedisLink(url, on: MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
        }
        let file = folder + "/" + KnowledgeSidecars.sessions
        var limits = SessionLimits()
        limits.age = Double(knowledge.sessionDays) * 86_400
        sessionLink = knowledge.sessionRedis.map(link)
        sessions =
            if let sessionLink {
                RedisSessions(sessionLink, limits)
            } else {
                try SessionFile(file, limits, now: { Date().timeIntervalSince1970 })
            }
        var answers = AnswerCacheMachine.Limits()
        if let settings = knowledge.cache { (answers.bytes, answers.age) = (settings.memory, settings.timeToLive) }
        let store = (engine as? ChromaEngine)?.identity
        answerLink = store == nil ? nil : knowledge.cache?.redis.map(link)
        if let answerLink, let store {
            cache = RedisAnswerCache(answerLink, store: store, answers)
        } else {
            cache = knowledge.cache.map { _ in MemoryAnswerCache(answers, now: { .current }) }
        }
    }

    /// Calls of a Redis server that failed, by what is there; empty: nothing is.
    var redisErrors: [Readings.Knowledge.Count] {
        [("answers", answerLink), ("sessions", sessionLink)].compactMap { kind, link in
            link.map { (kind, $0.failures) }
        }
    }

    func close() {
        answerLink?.close()
        sessionLink?.close()
        (sessions as? SessionFile)?.close()
    }
}
