import MartletTools
import Testing

/// Who gets the next request.
@Suite(.serialized, .timeLimit(.minutes(1))) struct BalanceTests {
    /// So many requests that hang at the targets at the same time, in the order of their sending.
    private func hold(_ count: Int, at martlet: MartletProcess, headers: [String] = []) async throws -> [Client] {
        var clients: [Client] = []
        for number in 1...count {
            let client = try await martlet.connect()
            try await client.send(Client.request("GET", "/hold", headers: ["x-mock-fault: hang"] + headers))
            clients.append(client)
            try await until("request \(number) to be at a target") {
                try await martlet.status().pool("main")?.inFlight == number
            }
        }
        return clients
    }

    private func letGo(_ clients: [Client]) async throws {
        for client in clients { await client.close() }
    }

    @Test func LeastConnSharesByWeight() async throws {
        let configuration = { (mocks: [MockServer]) in onePool([mocks[0].target("weight: 3"), mocks[1].target()]) }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            let clients = try await hold(16, at: martlet)
            let status = try await martlet.status()
            #expect(status.target(mocks[0].port)?.inFlight == 12)
            #expect(status.target(mocks[1].port)?.inFlight == 4)
            try await letGo(clients)
        }
    }

    @Test func LeastConnPrefersTheIdleTarget() async throws {
        try await withMartlet(mocks: 2, { onePool($0.targets()) }) { martlet, mocks in
            let clients = try await hold(1, at: martlet)
            try await until("a backend to have it") { mocks.contains { $0.stats.active == 1 } }
            let busy = try #require(mocks.first { $0.stats.active == 1 })
            for _ in 0..<10 { try await martlet.get().expect(200) }
            #expect(busy.echoes == 1)
            try await letGo(clients)
        }
    }

    @Test func LeastConnTakesTurnsAmongEquals() async throws {
        let configuration = { (mocks: [MockServer]) in onePool([mocks[0].target("weight: 2"), mocks[1].target()]) }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            for _ in 0..<30 { try await martlet.get().expect(200) }
            #expect(mocks.map(\.echoes) == [20, 10])
        }
    }

    @Test func RoundRobinSharesByWeight() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool([mocks[0].target("weight: 2"), mocks[1].target()], "balance: round_robin")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            for _ in 0..<30 { try await martlet.get().expect(200) }
            #expect(mocks.map(\.echoes) == [20, 10])
        }
    }

    @Test func RandomTwoUsesEveryTarget() async throws {
        try await withMartlet(mocks: 3, { onePool($0.targets(), "balance: random_two") }) { martlet, mocks in
            for _ in 0..<60 { try await martlet.get().expect(200) }
            for mock in mocks { #expect(mock.echoes >= 5, "\(mocks.map(\.echoes))") }
        }
    }

    /// Far from its bound: the answer may be there before its place is free again.
    @Test func HashKeepsASessionOnItsTarget() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets(), "balance: hash", "hash: {key: \"header:x-session-id\", bound: 9}")
        }
        try await withMartlet(mocks: 3, configuration) { martlet, mocks in
            var used = 0
            for session in 0..<16 {
                let before = mocks.map(\.echoes)
                for _ in 0..<3 {
                    try await martlet.get(headers: ["x-session-id: s\(session)"]).expect(200)
                }
                let gained = zip(mocks.map(\.echoes), before).map(-)
                #expect(gained.sorted() == [0, 0, 3], "one target takes the whole session")
                used |= 1 << (gained.firstIndex(of: 3) ?? 0)
            }
            #expect(used == 0b111, "sixteen sessions reach every target")
        }
    }

    @Test func HashSpillsOverItsBound() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets(), "balance: hash", "hash: {key: \"header:x-session-id\", bound: 1.25}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            let clients = try await hold(8, at: martlet, headers: ["x-session-id: popular"])
            let counts = try await martlet.status().pool("main")?.targets.map(\.inFlight).sorted()
            // 1.25 times the mean of 4.
            #expect(counts == [3, 5])
            try await letGo(clients)
        }
    }
}
