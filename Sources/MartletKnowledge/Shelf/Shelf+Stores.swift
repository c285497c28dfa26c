package import MartletLogic

// Stores, and the files in them.
extension Shelf {
    /// What a store is made or changed to; nil: as it is.
    package struct StoreChange: Sendable {
        package var name: String?
        package var metadata: [String: String]?
        /// `.some(nil)`: it does not expire any more.
        package var expiresAfterDays: Int??

        package init() {}
    }

    /// How a file is put into a store.
    package struct Putting: Sendable {
        package var file: String
        package var attributes: [String: MetadataValue] = [:]
        /// In characters.
        package var chunkSize: Int?
        package var chunkOverlap: Int?

        package init(_ file: String) { self.file = file }
    }

    /// A store as it stands.
    package struct StoreView: Sendable {
        package var store: ShelfStore
        package var counts: [ShelfEntry.State: Int]
        package var bytes: Int
        package var isExpired: Bool
    }

    // MARK: Stores

    /// All bases, the latest first.
    package func allStores() async throws -> [StoreView] {
        try await desk.bases().map { base in
            let store = stores[base.name] ?? Self.store(of: base)
            return view(store, documents: base.documents)
        }.sorted { ($1.store.created, $1.store.id) < ($0.store.created, $0.store.id) }
    }

    /// A base that was made by other means.
    private static func store(of base: BaseSummary) -> ShelfStore {
        ShelfStore(
            id: base.name, name: base.name, metadata: [:], created: base.created, lastActive: base.created,
            expiresAfterDays: nil)
    }

    private func view(_ store: ShelfStore, documents: Int) -> StoreView {
        let entries = (entries[store.id] ?? [:]).values
        var counts: [ShelfEntry.State: Int] = [:]
        for entry in entries { counts[entry.state, default: 0] += 1 }
        if stores[store.id] == nil || entries.isEmpty { counts[.completed] = documents }
        return StoreView(
            store: store, counts: counts,
            bytes: entries.reduce(0) { $0 + ($1.state == .completed ? $1.bytes : 0) }, isExpired: isExpired(store))
    }

    func isExpired(_ store: ShelfStore) -> Bool { store.expires.map { $0 <= time } ?? false }

    package func store(_ id: String) async throws -> StoreView {
        let base: BaseSummary
        do {
            base = try await desk.base(id)
        } catch let error as KnowledgeError where error.code == .notFound {
            throw Self.noStore(id)
        }
        return view(stores[id] ?? Self.store(of: base), documents: base.documents)
    }

    private static func noStore(_ id: String) -> KnowledgeError {
        KnowledgeError(.notFound, "No vector store found with id '\(id.prefix(200))'.")
    }

    package func create(_ change: StoreChange, files: [Putting]) async throws -> StoreView {
        for file in files { _ = try self.file(file.file) }
        let id = Self.newID("vs_")
        try await desk.create(BaseSettings(name: id, description: change.name ?? ""))
        try await keep(
            ShelfStore(
                id: id, name: change.name ?? "", metadata: change.metadata ?? [:], created: time, lastActive: time,
                expiresAfterDays: change.expiresAfterDays ?? nil))
        do {
            if !files.isEmpty { _ = try await put(files, into: id) }
        } catch {
            // Nobody has heard of it.
            try? await remove(store: id)
            throw error
        }
        return try await store(id)
    }

    package func change(_ id: String, _ change: StoreChange) async throws -> StoreView {
        var store = try await store(id).store
        if let name = change.name { store.name = name }
        if let metadata = change.metadata { store.metadata = metadata }
        if let days = change.expiresAfterDays { store.expiresAfterDays = days }
        store.lastActive = time
        try await keep(store)
        return try await self.store(id)
    }

    /// With all that was put into it; the files themselves stay on the shelf.
    package func remove(store id: String) async throws {
        _ = try await store(id)
        line.callOff(store: id)
        try await desk.remove(base: id)
        try await forget(store: id)
    }

    /// Looks a store up to be searched, which counts as use.
    package func use(_ id: String) async throws {
        guard var store = stores[id] else {
            _ = try await store(id)
            return
        }
        guard !isExpired(store) else { throw KnowledgeError(.invalid, "The vector store has expired.") }
        // A minute more or less does no harm, and a search writes nothing as a rule.
        guard time - store.lastActive > 60 else { return }
        store.lastActive = time
        try await keep(store)
    }

    // MARK: Files of a store

    /// The latest first. Documents that came by other means are among them.
    package func files(of id: String) async throws -> [ShelfEntry] {
        let known = entries[id] ?? [:]
        let names = Set(known.values.map(\.document))
        let others = try await desk.documents(in: id).filter { !names.contains($0.document.name) }
        return (Array(known.values) + others.map { Self.entry(of: $0) }).sorted {
            ($1.created, $1.file) < ($0.created, $0.file)
        }
    }

    package func file(_ file: String, of id: String) async throws -> ShelfEntry {
        if let entry = entries[id]?[file] { return entry }
        guard let found = try await files(of: id).first(where: { $0.file == file }) else {
            throw KnowledgeError(.notFound, "No file found with id '\(file.prefix(200))' in vector store '\(id)'.")
        }
        return found
    }

    private static func entry(of document: DocumentSummary) -> ShelfEntry {
        ShelfEntry(
            store: document.document.base, file: id(ofDocument: document.document.name),
            document: document.document.name, state: .completed, created: document.added, bytes: document.bytes,
            attributes: document.metadata.mapValues { Attribute($0) })
    }

    /// Of a document that was put in by other means: its name in hexadecimal digits.
    private static func id(ofDocument name: String) -> String {
        "doc-" + name.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The file that a passage is from.
    package func file(of document: DocumentVersion) -> (id: String, name: String) {
        let entry = entries[document.base]?.values.first { $0.document == document.name }
        guard let entry else { return (Self.id(ofDocument: document.name), document.name) }
        return (entry.file, (try? file(entry.file).name) ?? document.name)
    }

    /// Has files put into a store; those that are there are put in again.
    package func put(_ files: [Putting], into id: String, batch: String? = nil) async throws -> [ShelfEntry] {
        _ = try await store(id)
        var taken = Set((entries[id] ?? [:]).values.filter { entry in !files.contains { $0.file == entry.file } }
            .map(\.document))
        var new: [ShelfEntry] = []
        for putting in files where !new.contains(where: { $0.file == putting.file }) {
            let file = try file(putting.file)
            var name = file.name
            if taken.contains(name) { name += " (\(file.id))" }
            taken.insert(name)
            var entry = ShelfEntry(
                store: id, file: file.id, document: name, batch: batch, created: time, bytes: file.bytes)
            entry.attributes = putting.attributes.mapValues { Attribute($0) }
            (entry.chunkSize, entry.chunkOverlap) = (putting.chunkSize, putting.chunkOverlap)
            new.append(entry)
        }
        try await line(up: new)
        return new
    }

    /// Changes what is known of a file: it is put in again.
    package func change(
        _ file: String, of id: String, attributes: [String: MetadataValue]
    ) async throws -> ShelfEntry {
        guard var entry = entries[id]?[file] else {
            throw KnowledgeError(.notFound, "No file found with id '\(file.prefix(200))' in vector store '\(id)'.")
        }
        entry.attributes = attributes.mapValues { Attribute($0) }
        (entry.state, entry.failure, entry.attempts) = (.waiting, nil, nil)
        try await line(up: [entry])
        return entry
    }

    /// Takes a file out of a store: its text is gone when this returns.
    package func detach(_ file: String, from id: String) async throws {
        let entry = try await self.file(file, of: id)
        try await forget(file, of: id)
        line.callOff(ShelfLine.Place(entry))
        if let error = try await desk.delete([entry.document], from: id, files: true)[entry.document],
            error.code != .notFound
        {
            throw error
        }
    }

    // MARK: Batches

    package func createBatch(_ files: [Putting], into id: String) async throws -> (ShelfBatch, [ShelfEntry]) {
        for file in files { _ = try self.file(file.file) }
        _ = try await store(id)
        let batch = ShelfBatch(id: Self.newID("vsfb_"), store: id, created: time)
        try await keep(batch)
        return (batch, try await put(files, into: id, batch: batch.id))
    }

    package func batch(_ id: String, of store: String) throws(KnowledgeError) -> (ShelfBatch, [ShelfEntry]) {
        guard let batch = batches[id], batch.store == store else {
            throw KnowledgeError(.notFound, "No file batch found with id '\(id.prefix(200))'.")
        }
        return (batch, (entries[store] ?? [:]).values.filter { $0.batch == id }.sorted { $0.file < $1.file })
    }

    /// Calls off what waits and what is being put in. What was there before stays.
    package func cancel(batch id: String, of store: String) async throws -> (ShelfBatch, [ShelfEntry]) {
        var (batch, entries) = try batch(id, of: store)
        batch.isCancelled = true
        for index in entries.indices where entries[index].state == .waiting { entries[index].state = .cancelled }
        try await keep(entries)
        for entry in entries where entry.state == .cancelled { line.callOff(ShelfLine.Place(entry)) }
        try await keep(batch)
        return (batch, entries)
    }
}
