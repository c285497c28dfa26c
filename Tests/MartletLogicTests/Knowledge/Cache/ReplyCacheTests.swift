import MartletBase
import Testing

@testable import MartletLogic

@Suite("Replies of Chatchat instances that are given again")
struct ReplyCacheTests {
    private let now = Instant(nanoseconds: 1)
    private let reply = ReplyCache.Reply(contentType: "text/event-stream", body: Array("data: 1\n\n".utf8))

    private func chat(_ query: String = "q", base: String = "a", rest: [String: String] = [:]) throws -> KnowledgeChat {
        try #require(
            KnowledgeChat(route: "/chat/kb_chat", mode: nil, base: base, query: query, hasHistory: false, rest: rest))
    }

    /// A copy is asked, so that expectations may ask.
    private func look(_ cache: ReplyCache, _ chat: KnowledgeChat, _ time: Instant? = nil) -> ReplyCache.Reply? {
        var cache = cache
        return cache.reply(to: chat, now: time ?? now)
    }

    private func keeps(_ cache: ReplyCache, _ chat: KnowledgeChat, _ ticket: ReplyCache.Ticket) -> Bool {
        var cache = cache
        return cache.keep(reply, for: chat, ticket, now: now)
    }

    @Test("The same body hits, whatever the order of its keys; another value does not")
    func key() throws {
        var cache = ReplyCache()
        let first = try chat(rest: ["top_k": "3", "stream": "true"])
        let kept = cache.keep(reply, for: first, cache.ticket(for: first), now: now)
        #expect(kept)
        #expect(look(cache, try chat(rest: ["stream": "true", "top_k": "3"])) == reply)
        #expect(look(cache, try chat(rest: ["stream": "false", "top_k": "3"])) == nil)
        #expect(look(cache, first, now + .seconds(601)) == nil)
    }

    @Test("Conversations, temporary bases and search engines are not ours to remember")
    func uncached() {
        func chat(_ mode: String?, _ base: String?, _ history: Bool) -> KnowledgeChat? {
            KnowledgeChat(route: "/chat/kb_chat", mode: mode, base: base, query: "q", hasHistory: history, rest: [:])
        }
        #expect(chat("local_kb", "a", false) != nil)
        #expect(chat("temp_kb", "a", false) == nil && chat("search_engine", "a", false) == nil)
        #expect(chat(nil, nil, false) == nil && chat(nil, "a", true) == nil)
    }

    @Test("A write to a base takes its replies, and what was asked before its end is not kept", arguments: ["a", nil])
    func writes(_ base: String?) throws {
        var cache = ReplyCache()
        let (own, other) = (try chat(), try chat(base: "b"))
        _ = cache.keep(reply, for: own, cache.ticket(for: own), now: now)
        _ = cache.keep(reply, for: other, cache.ticket(for: other), now: now)
        let before = cache.ticket(for: own)
        cache.writeBegan(base)
        #expect(look(cache, own) == nil)
        #expect((look(cache, other) == nil) == (base == nil))
        let meanwhile = cache.ticket(for: own)
        #expect(!keeps(cache, own, meanwhile))
        cache.writeEnded(base)
        #expect(!keeps(cache, own, before))
        #expect(!keeps(cache, own, meanwhile))
        #expect(keeps(cache, own, cache.ticket(for: own)))
    }

    @Test("Names of bases from outside are not kept for ever, and forgetting them keeps nothing old")
    func names() throws {
        var cache = ReplyCache()
        let own = try chat()
        let before = cache.ticket(for: own)
        cache.writeBegan("a")
        cache.writeEnded("a")
        for number in 0..<20_000 {
            cache.writeBegan("x\(number)")
            cache.writeEnded("x\(number)")
        }
        #expect(!keeps(cache, own, before))
    }

    @Test("Writes are known by their paths")
    func paths() {
        #expect(KnowledgeChat.writes.contains("/knowledge_base/upload_docs"))
        #expect(!KnowledgeChat.writes.contains("/knowledge_base/search_docs"))
        #expect(!KnowledgeChat.writes.contains(KnowledgeChat.path))
    }
}
