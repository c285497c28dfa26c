import MartletLogic

// How files get into stores.
extension Shelf {
    /// A file that ended the process so often while it was put is not tried again.
    private static let mostAttempts = 2

    /// Keeps entries that wait, and has their files put in.
    ///
    /// - Throws: `overloaded`, and the book's errors: all is as it was then.
    func line(up new: [ShelfEntry]) async throws {
        try line.keepPlaces(new.count)
        defer { line.giveBack(places: new.count) }
        let former = new.map { entries[$0.store]?[$0.file] }
        do {
            try await keep(new)
        } catch {
            for (entry, former) in zip(new, former) where entries[entry.store]?[entry.file] == entry {
                entries[entry.store]?[entry.file] = former
            }
            throw error
        }
        for entry in new { line.append(entry) }
        wake.yield()
    }

    /// Puts files into stores until it is cancelled. For one task.
    package func run() async {
        for await _ in wakes {
            while !Task.isCancelled, let place = line.popFirst() { await put(place) }
        }
    }

    private func put(_ place: ShelfLine.Place) async {
        guard var entry = entries[place.store]?[place.file], entry.state == .waiting else { return }
        let attempts = entry.attempts ?? 0
        guard attempts < Self.mostAttempts else {
            let message = "\(entry.document) was not put in: the process ended \(attempts) times while it was read."
            return await finish(entry, .failure(KnowledgeError(.unreadable, message)))
        }
        entry.attempts = attempts + 1
        do {
            // Before it is begun: what it does to the process is not known afterwards.
            try await keep([entry])
        } catch is CancellationError {
            return await interrupted(entry)
        } catch {
            let message = "\(entry.document) was not put in: its record could not be written."
            return await finish(entry, .failure(KnowledgeError(.failed, message)))
        }
        // Meanwhile it may have been taken out, called off or changed; then it is in line again.
        guard entries[place.store]?[place.file] == entry else { return }
        let task = Task { [entry] in try await add(entry) }
        line.now = ShelfLine.Putting(place: place, task: task)
        let result = await withTaskCancellationHandler { await task.result } onCancel: { task.cancel() }
        line.now = nil
        var isInterrupted = task.isCancelled
        if case .failure(is CancellationError) = result { isInterrupted = true }
        if isInterrupted, entries[place.store]?[place.file]?.state == .waiting {
            await interrupted(entry)
        } else {
            await finish(entry, result)
        }
    }

    private func add(_ entry: ShelfEntry) async throws {
        var options = IngestOptions()
        if let size = entry.chunkSize {
            options.splitting = .headings(size: size, overlap: min(size / 2, entry.chunkOverlap ?? size / 5))
        }
        let incoming = IncomingFile(
            name: entry.document, path: place(of: entry.file), metadata: entry.attributes.mapValues(\.value))
        _ = try await desk.add(incoming, to: entry.store, options)
    }

    /// It goes on after the next start, or is in line once more: this attempt was no fault of the file's.
    private func interrupted(_ entry: ShelfEntry) async {
        guard var present = entries[entry.store]?[entry.file], present.state == .waiting else { return }
        present.attempts = nil
        // This task may be cancelled, and the record is written all the same.
        await Task { [present] in try? await keep([present]) }.value
    }

    /// What became of it, and of its entry meanwhile.
    private func finish(_ entry: ShelfEntry, _ result: Result<Void, any Error>) async {
        guard var present = entries[entry.store]?[entry.file] else {
            // It was taken out, and its document came after that. This task may be cancelled; the document goes.
            await Task { [desk] in
                _ = try? await desk.delete([entry.document], from: entry.store, files: true)
            }.value
            return
        }
        switch (present.state, result) {
        case (.waiting, _) where !present.isMade(as: entry):
            // It was changed, and waits to be put in as it is now.
            return
        case (.waiting, .success), (.cancelled, .success):
            // Whoever called it off came too late.
            (present.state, present.failure) = (.completed, nil)
        case (.waiting, .failure(let error)):
            let known = error as? KnowledgeError ?? KnowledgeError(.failed, "The file could not be read.")
            present.state = .failed
            present.failure = ShelfEntry.Failure(code: known.code.rawValue, message: known.message)
        default: return
        }
        present.attempts = nil
        // A record that is not written is put in again after the next start, which changes nothing.
        await Task { [present] in try? await keep([present]) }.value
    }
}
