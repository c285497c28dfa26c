import Foundation
import MartletKnowledge

/// Bases for a chat about a few files: they have no name but an id, and the one that was not used for longest goes when
/// there are too many.
actor TemporaryBases {
    private static let prefix = "temp_"

    private let desk: any KnowledgeDesk
    private let most: Int
    /// The one used last at the end; nil: what a former process left was not looked up yet.
    private var order: [String]?

    init(_ desk: any KnowledgeDesk, most: Int = 200) {
        (self.desk, self.most) = (desk, most)
    }

    /// Whether a base is one that people do not see in lists.
    static func isOne(_ name: String) -> Bool {
        name.hasPrefix(prefix) && name.utf8.count == prefix.utf8.count + 32
            && name.dropFirst(prefix.count).allSatisfy { $0.isHexDigit && !$0.isUppercase }
    }

    /// The base of `id`, which is used now; nil: there is none.
    func base(_ id: String) async throws -> String? {
        let name = Self.prefix + id
        guard Self.isOne(name) else { return nil }
        var order = try await known()
        guard let place = order.firstIndex(of: name) else { return nil }
        order.append(order.remove(at: place))
        self.order = order
        return name
    }

    /// A new one.
    func create() async throws -> (id: String, base: String) {
        _ = try await known()
        let id = UUID().text.filter { $0 != "-" }
        let name = Self.prefix + id
        try await desk.create(BaseSettings(name: name))
        order?.append(name)
        while let order, order.count > most { try await remove(order[0]) }
        return (id, name)
    }

    /// Removes that of `id`, if there is one.
    func remove(id: String) async throws {
        if let base = try await base(id) { try await remove(base) }
    }

    private func remove(_ base: String) async throws {
        // At once: while the desk works, others look.
        order?.removeAll { $0 == base }
        do {
            try await desk.remove(base: base)
        } catch let error as KnowledgeError where error.code == .notFound {
            // Somebody else was faster.
        }
    }

    private func known() async throws -> [String] {
        if let order { return order }
        let found = try await desk.bases().filter { Self.isOne($0.name) }.sorted { $0.created < $1.created }
        // Another caller may have looked them up meanwhile, and made more.
        if order == nil { order = found.map(\.name) }
        return order ?? []
    }
}
