import MartletStore
import Testing

@Suite("Search in the history of tasks")
struct HistorySearchTests {
    /// Ten tasks: `t1` is the oldest.
    private func filled(_ folder: HistoryFolder) async throws -> HistoryFile {
        let file = try await folder.open().file
        let tasks = (1...10).map { number in
            var task = folder.task(
                number, "t\(number)", number % 2 == 0 ? "SUCCESS" : "FAILURE", since: Double(number) * 10)
            task.name = number <= 5 ? "tasks.Translate" : "tasks.sum_up"
            task.queue = number % 3 == 0 ? "gpu" : "cpu"
            task.worker = "celery@\(number % 2)"
            if number == 4 { task.arguments = "('把这句话翻译成英文',)" }
            if number == 7 { task.result = "100% of it_all" }
            return task
        }
        _ = try await file.keep(tasks, merging: HistoryFolder.never)
        return file
    }

    private func found(_ file: HistoryFile, _ change: (inout HistoryQuery) -> Void) async throws -> [String] {
        var query = HistoryQuery(limit: 100)
        change(&query)
        let page = try await file.search(query)
        #expect(page.next == nil)
        return page.tasks.map(\.id)
    }

    @Test("By each word, the latest first")
    func filters() async throws {
        try await HistoryFolder.run { folder in
            let file = try await filled(folder)
            #expect(try await found(file) { $0.state = "FAILURE" } == ["t9", "t7", "t5", "t3", "t1"])
            #expect(try await found(file) { $0.queue = "gpu" } == ["t9", "t6", "t3"])
            #expect(try await found(file) { $0.worker = "celery@1"; $0.queue = "gpu" } == ["t9", "t3"])
            #expect(try await found(file) { $0.name = "Translate"; $0.state = "SUCCESS" } == ["t4", "t2"])
            #expect(try await found(file) { $0.name = "translate" } == [])
            #expect(try await found(file) { $0.from = 30; $0.until = 60 } == ["t5", "t4", "t3"])
            #expect(try await found(file) { $0.from = 1000 } == [])
            await file.close()
        }
    }

    @Test("By text, also Chinese; what means something to SQL means itself")
    func text() async throws {
        try await HistoryFolder.run { folder in
            let file = try await filled(folder)
            #expect(try await found(file) { $0.text = "翻译" } == ["t4"])
            #expect(try await found(file) { $0.text = "译" } == ["t4"])
            #expect(try await found(file) { $0.text = "翻英" } == [])
            #expect(try await found(file) { $0.text = "TRANSLATE" } == ["t5", "t4", "t3", "t2", "t1"])
            #expect(try await found(file) { $0.text = "100%" } == ["t7"])
            #expect(try await found(file) { $0.text = "0% " } == ["t7"])
            #expect(try await found(file) { $0.text = "%" } == ["t7"])
            #expect(try await found(file) { $0.text = "m_u" } == ["t10", "t9", "t8", "t7", "t6"])
            #expect(try await found(file) { $0.text = "_" }.count == 5)
            #expect(try await found(file) { $0.text = #"\"# } == [])
            #expect(try await found(file) { $0.text = "'; DROP TABLE task; --" } == [])
            #expect(try await found(file) { $0.text = "T1" } == ["t10", "t1"])
            #expect(try await found(file) { $0.text = "1" } == ["t7"])
            await file.close()
        }
    }

    @Test("Pages are all of it, once, whatever their size", arguments: [1, 3, 5, 10])
    func paging(limit: Int) async throws {
        try await HistoryFolder.run { folder in
            let file = try await filled(folder)
            for state in [nil, "SUCCESS"] {
                var query = HistoryQuery(limit: limit)
                query.state = state
                var ids: [String] = []
                var pages = 0
                repeat {
                    let page = try await file.search(query)
                    #expect(page.tasks.count <= limit)
                    ids += page.tasks.map(\.id)
                    query.before = page.next
                    pages += 1
                } while query.before != nil && pages < 20
                let all = (1...10).reversed().filter { state == nil || $0 % 2 == 0 }.map { "t\($0)" }
                #expect(ids == all)
                #expect(pages == (all.count + limit - 1) / limit)
            }
            await file.close()
        }
    }

    @Test("A page of nothing tells whether there is more")
    func emptyPage() async throws {
        try await HistoryFolder.run { folder in
            let file = try await filled(folder)
            var query = HistoryQuery(limit: 0)
            query.before = 5
            #expect(try await file.search(query).next == 5)
            query.before = 1
            #expect(try await file.search(query).next == nil)
            await file.close()
        }
    }

    @Test("A search whose time is over goes on where it was")
    func shortOfTime() async throws {
        try await HistoryFolder.run { folder in
            let file = try await folder.open().file
            // Far apart, as numbers are of which most were pruned.
            let tasks = (1...5).map { folder.task($0 * 100_000, "t\($0)") }
            _ = try await file.keep(tasks, merging: HistoryFolder.never)
            var query = HistoryQuery(limit: 10)
            query.text = "t"
            var ids: [String] = []
            var pages = 0
            repeat {
                let page = try await file.search(query, within: .zero)
                ids += page.tasks.map(\.id)
                query.before = page.next
                pages += 1
            } while query.before != nil && pages < 100
            #expect(ids == ["t5", "t4", "t3", "t2", "t1"])
            #expect(pages > 5)
            await file.close()
        }
    }

    @Test("Searches and writing do not wait for each other")
    func together() async throws {
        try await HistoryFolder.run { folder in
            let file = try await filled(folder)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 11...60 {
                        _ = try await file.keep([folder.task(number, "t\(number)")], merging: HistoryFolder.never)
                    }
                }
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<20 {
                            var query = HistoryQuery(limit: 1000)
                            query.text = "t"
                            let page = try await file.search(query)
                            #expect(page.tasks.count >= 10)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(file.count == 60)
            await file.close()
        }
    }
}
