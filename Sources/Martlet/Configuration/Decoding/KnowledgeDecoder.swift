import MartletNet

/// Decodes `knowledge`.
struct KnowledgeDecoder {
    private static let ownEmbeddings: [String: KnowledgeConfiguration.Embedding] = ["sentences": .sentences, "e5": .e5]

    func knowledge(in root: Section, models: [ModelConfiguration]) -> KnowledgeConfiguration? {
        guard root.has("knowledge") else { return nil }
        let section = root.section("knowledge")
        var knowledge = KnowledgeConfiguration()
        knowledge.store = store(section.section("store")) ?? knowledge.store
        if let name = section.text("embedding") {
            knowledge.embedding = Self.ownEmbeddings[name] ?? .model(name)
            if Self.ownEmbeddings[name] == nil { mustBeThere(name, "embedding", section, models) }
        }
        knowledge.weights = section.text("weights") ?? knowledge.weights
        for (key, path) in [("chat", \KnowledgeConfiguration.chat), ("rerank", \.rerank), ("ocr", \.ocr)] {
            guard let name = section.text(key) else { continue }
            knowledge[keyPath: path] = name
            // The model of this process that may order what was found, and a path that may read images.
            let isElsewhere = key == "rerank" && Self.ownEmbeddings[name] == .e5 || key == "ocr" && name.hasPrefix("/")
            if !isElsewhere { mustBeThere(name, key, section, models) }
        }
        knowledge.patience = section.duration("patience", in: .milliseconds(10)...(.seconds(600))) ?? knowledge.patience
        knowledge.compatibility =
            section.choice("compatibility", KnowledgeConfiguration.Compatibility.self) ?? knowledge.compatibility
        knowledge.body = section.size("body", in: (1 << 10)...(1 << 40)) ?? knowledge.body
        knowledge.cache = cache(section.section("cache"))
        if case .folder = knowledge.store, knowledge.cache?.redis != nil {
            section.section("cache").refuse("is for nodes that share a store: it needs `store.chroma`", at: "redis")
        }
        let sessions = section.section("sessions")
        knowledge.sessionDays = sessions.count("days", in: 1...36_500) ?? knowledge.sessionDays
        knowledge.sessionRedis = sessions.item("redis").flatMap { sessions.redis($0) }
        return knowledge
    }

    /// Which models apps have is known only once they are asked.
    private func mustBeThere(_ name: String, _ key: String, _ section: Section, _ models: [ModelConfiguration]) {
        guard !models.isEmpty, !models.contains(where: { $0.name == "*" || $0.name == name }) else { return }
        section.refuse("no model is called \"\(printable(name.prefix(60)))\"", at: key)
    }

    private func store(_ section: Section) -> KnowledgeConfiguration.Store? {
        let chroma = section.value("chroma", "must be http://HOST:PORT of a Chroma server") { try? HTTPURL($0) }
        let folder = section.text("folder")
        if chroma != nil, folder != nil { section.refuse("has no place beside `chroma`", at: "folder") }
        return chroma.map { .chroma($0) } ?? folder.map { .folder($0) }
    }

    private func cache(_ section: Section) -> KnowledgeCacheConfiguration? {
        var cache = KnowledgeCacheConfiguration()
        let isKept = section.flag("keep") ?? true
        cache.memory = section.size("memory", in: (1 << 20)...(1 << 40)) ?? cache.memory
        cache.timeToLive = section.duration("ttl", in: .seconds(1)...(.seconds(366 * 86_400))) ?? cache.timeToLive
        cache.redis = section.item("redis").flatMap { section.redis($0) }
        return isKept ? cache : nil
    }
}
