/// Results of all the work, in its order, at most so many at a time.
func inOrder<Work: Sendable, Result: Sendable>(
    _ all: [Work], atOnce: Int, _ work: @escaping @Sendable (Work) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { tasks in
        var results = [Result?](repeating: nil, count: all.count)
        for (index, one) in all.enumerated() {
            if index >= max(1, atOnce), let (done, result) = try await tasks.next() { results[done] = result }
            tasks.addTask { (index, try await work(one)) }
        }
        for try await (done, result) in tasks { results[done] = result }
        return results.compactMap { $0 }
    }
}
