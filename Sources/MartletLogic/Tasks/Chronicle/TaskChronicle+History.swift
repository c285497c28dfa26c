// What is kept for longer than this memory lasts: somebody takes what is new, a few times a second, and gives back at
// the start what was known. Who is too slow for that misses some tasks; nobody waits for them.
extension TaskChronicle {
    /// How many changed since they were taken.
    public var unsavedCount: Int { unsaved.count }

    /// Takes those that changed, the ones that will be forgotten first before others, in the order of their numbers.
    public mutating func takeUnsaved(_ limit: Int) -> [TaskRecord] {
        var taken = unsaved.compactMap { tasks[$0] }
        taken.sort { $0.number < $1.number }
        if taken.count > limit { taken.removeLast(taken.count - limit) }
        if taken.count == unsaved.count {
            unsaved.removeAll(keepingCapacity: true)
        } else {
            for task in taken { unsaved.remove(task.id) }
        }
        return taken
    }

    /// They could not be kept: they are taken again.
    public mutating func putBack(_ ids: [String]) {
        for id in ids {
            if tasks[id] == nil { missed += 1 } else { unsaved.insert(id) }
        }
    }

    /// Begins with what was kept, or goes on where nothing is kept any more.
    ///
    /// - Parameters:
    ///   - kept: The latest tasks, in the order of their numbers.
    ///   - last: The highest number that was ever given to one that is kept.
    public mutating func adopt(_ kept: [TaskRecord], last: UInt64) {
        version += 1
        let known = Array(order[forgotten...])
        // What became known meanwhile comes after it.
        let shift = number > 0 && oldest > last ? 0 : last
        for id in known { tasks[id]?.number += shift }
        number += shift
        var former: [String] = []
        for record in kept.suffix(limits.tasks) {
            if tasks[record.id] != nil {
                tasks[record.id]?.complete(by: record)
            } else {
                former.append(record.id)
                tasks[record.id] = record
            }
        }
        let tooMany = min(max(0, known.count + former.count - limits.tasks), former.count)
        for id in former.prefix(tooMany) { tasks[id] = nil }
        order = former.dropFirst(tooMany) + known
        forgotten = 0
        unsaved.formUnion(known)
    }

    /// Tasks that had been forgotten and were heard of again, as they were kept: what they were before is part of them.
    public mutating func recall(_ older: [TaskRecord]) {
        guard !older.isEmpty else { return }
        version += 1
        for record in older {
            guard let task = tasks[record.id], task.number != record.number else { continue }
            tasks[record.id]?.complete(by: record)
            // It may have been taken again before this.
            unsaved.insert(record.id)
        }
    }
}
