public import MartletBase

/// Replies of Langchain-Chatchat instances behind the gateway, given again for the same question.
///
/// Chatchat does not say what a reply rests on, so a base's replies go with each write to it that passes through, both
/// when it begins and when it ends: what was asked in between may have seen the base before, or half of it. A write
/// that does not pass through is noticed by nobody: then a reply's time to live is its bound.
public struct ReplyCache: Sendable {
    public struct Limits: Sendable, Equatable {
        public var replies = 2000
        public var bytes = 64 << 20
        public var age = Duration.seconds(600)

        public init() {}
    }

    /// As it was sent, event by event.
    public struct Reply: Sendable, Equatable {
        public var contentType: String
        public var body: [UInt8]

        public init(contentType: String, body: [UInt8]) {
            self.contentType = contentType
            self.body = body
        }
    }

    /// Taken before the question goes on: what came to its base since decides whether its reply is kept.
    public struct Ticket: Sendable, Hashable {
        fileprivate let base: String
        fileprivate let writes: UInt64
        fileprivate let allWrites: UInt64
    }

    private var cache: BoundedCache<KnowledgeChat, Reply>
    private var keys: [String: Set<KnowledgeChat>] = [:]
    private var books: [String: Writes] = [:]
    /// Those that named no base.
    private var all = Writes()

    private struct Writes: Sendable {
        /// That have begun or ended.
        var count: UInt64 = 0
        var underWay = 0
    }

    public init(_ limits: Limits = Limits()) {
        cache = BoundedCache(count: limits.replies, bytes: limits.bytes, age: limits.age)
    }

    public mutating func reply(to chat: KnowledgeChat, now: Instant) -> Reply? {
        cache.use(chat, now: now)
    }

    public func ticket(for chat: KnowledgeChat) -> Ticket {
        Ticket(base: chat.base, writes: books[chat.base]?.count ?? 0, allWrites: all.count)
    }

    /// - Parameter reply: Whole, with status 200.
    /// - Returns: false: it is not kept, as its base was written to since, or it is too large.
    public mutating func keep(_ reply: Reply, for chat: KnowledgeChat, _ ticket: Ticket, now: Instant) -> Bool {
        let book = books[chat.base] ?? Writes()
        guard book.underWay == 0, all.underWay == 0, ticket == self.ticket(for: chat) else { return false }
        let gone = cache.put(chat, reply, bytes: reply.body.count + chat.bytes + 256, now: now)
        keys[chat.base, default: []].insert(chat)
        for key in gone {
            keys[key.base]?.remove(key)
            if keys[key.base]?.isEmpty == true { keys[key.base] = nil }
        }
        return !gone.contains(chat)
    }

    // MARK: Writes

    /// - Parameter base: nil: it is not known which one; all of them are meant.
    public mutating func writeBegan(_ base: String?) { note(base, +1) }

    /// Whether it succeeded or not: half of it may have been done.
    public mutating func writeEnded(_ base: String?) { note(base, -1) }

    private mutating func note(_ base: String?, _ step: Int) {
        guard let base else {
            (all.count, all.underWay) = (all.count + 1, max(0, all.underWay + step))
            for base in keys.keys { purge(base) }
            return
        }
        var book = books[base] ?? Writes()
        (book.count, book.underWay) = (book.count + 1, max(0, book.underWay + step))
        books[base] = book
        purge(base)
        // Names come from outside, and are not kept for ever: what is asked for now is not kept for that.
        guard books.count > Self.maximumBooks else { return }
        books = books.filter { $0.value.underWay > 0 }
        all.count += 1
    }

    private static let maximumBooks = 10_000

    private mutating func purge(_ base: String) {
        for key in keys.removeValue(forKey: base) ?? [] { cache.remove(key) }
    }
}

/// A question to one of Chatchat's own bases: `POST /chat/kb_chat`, and what is the same under another route.
public struct KnowledgeChat: Sendable, Hashable {
    public var query: String
    public var base: String
    /// Everything else that the reply depends on, as it was sent: `top_k`, `model`, `temperature`, `stream`, …, and the
    /// route, as its replies have a form of their own. Keys in ascending order, so that theirs makes no difference.
    public let rest: [String]

    /// - Parameters:
    ///   - mode: nil: left out, which is `local_kb`.
    ///   - rest: The body's other fields as JSON text, `query`, `mode`, `kb_name` and `history` not among them.
    /// - Returns: nil: such a reply is not given again. The instance knows what a conversation or a temporary base was
    ///   about, we do not.
    public init?(
        route: String, mode: String?, base: String?, query: String, hasHistory: Bool, rest: [String: String]
    ) {
        guard mode ?? "local_kb" == "local_kb", let base, !base.isEmpty, !query.isEmpty, !hasHistory else { return nil }
        self.query = query
        self.base = base
        self.rest = [route] + rest.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    var bytes: Int { rest.reduce(query.utf8.count + base.utf8.count) { $0 + $1.utf8.count + 16 } }

    /// Where such a question is asked.
    public static let path = "/chat/kb_chat"

    /// Requests to these paths change what a base answers.
    public static let writes = [
        "create_knowledge_base", "delete_knowledge_base", "upload_docs", "update_docs", "delete_docs",
        "recreate_vector_store",
    ].map { "/knowledge_base/\($0)" }
}
