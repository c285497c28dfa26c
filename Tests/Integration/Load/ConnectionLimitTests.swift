import Foundation
import MartletTools
import Testing

/// One client cannot take every place, and floods leave nothing behind.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ConnectionLimitTests {
    private static func bounded(_ mocks: [MockServer], _ limits: String) -> String {
        "limits: {exempt_clients: 127.0.0.9, \(limits)}\n" + onePool(mocks.targets())
    }

    @Test func AClientHoldsSoManyConnectionsAndTheNextOneIsToldSo() async throws {
        try await withMartlet(mocks: 1, { Self.bounded($0, "connections_per_client: 5, connection_rate: off") }) {
            martlet, _ in
            var held: [Client] = []
            for _ in 0..<5 {
                let client = try await martlet.connect(from: "127.0.0.2")
                try await client.send(Client.request("GET", "/x"))
                try await client.answer().expect(200)
                held.append(client)
            }
            let refused = try await martlet.get(from: "127.0.0.2").expect(429, "too_many_connections")
            #expect(Int(refused.header("retry-after") ?? "") ?? 0 > 0)
            #expect(refused.header("x-should-retry") == "false")
            try await martlet.get(from: "127.0.0.3").expect(200)
            #expect(try await martlet.metrics().sum("martlet_connections_refused_total", ["reason": "client_limit"]) == 1)
            await held.removeLast().close()
            try await until("room for one more") { try await martlet.get(from: "127.0.0.2").status == 200 }
            for client in held { await client.close() }
        }
    }

    @Test func AClientOpensSoManyConnectionsASecondUnlessItIsExempt() async throws {
        try await withMartlet(mocks: 1, { Self.bounded($0, "connection_rate: 10") }) { martlet, _ in
            let statuses = try await Self.statuses(40, martlet, from: "127.0.0.2")
            #expect(statuses.filter { $0 == 200 }.count >= 10)
            #expect(statuses.contains(429))
            #expect(try await Self.statuses(40, martlet, from: "127.0.0.9").allSatisfy { $0 == 200 })
        }
    }

    private static func statuses(_ count: Int, _ martlet: MartletProcess, from source: String) async throws -> [Int] {
        var statuses: [Int] = []
        for _ in 0..<count { statuses.append(try await martlet.get(from: source).status) }
        return statuses
    }

    @Test(arguments: ["exempt", "bounded"]) func AFloodOfResetsLeavesNothingBehind(source: String) async throws {
        let address = source == "exempt" ? "127.0.0.9" : "127.0.0.2"
        try await withMartlet(mocks: 1, { Self.bounded($0, "connection_rate: 200") }) { martlet, _ in
            // What the first thousand leave in pools and allocators is not a leak.
            try await Self.flood(1_000, martlet, from: address)
            let before = try martlet.residentBytes()
            let flood = Task { try await Self.flood(20_000, martlet, from: address) }
            var times: [Duration] = []
            for _ in 0..<20 {
                let (_, time) = try await timed { try await martlet.status() }
                times.append(time)
                try await Task.sleep(for: .milliseconds(50))
            }
            try await flood.value
            // 100 ms where it has a core to itself. One or two may meet a pause of the machine.
            times.sort()
            #expect(times[17] < .milliseconds(500) && times[19] < .seconds(3), "the console took \(times)")
            try await until("every connection to be gone") { try await martlet.status().connections.client == 1 }
            let grown = try martlet.residentBytes() - before
            #expect(grown < 8 << 20, "\(grown) bytes more")
            try await martlet.get(from: "127.0.0.9").expect(200)
        }
    }

    /// Connects and resets, 64 at a time.
    private static func flood(_ count: Int, _ martlet: MartletProcess, from source: String) async throws {
        let port = martlet.publicPort
        await withTaskGroup(of: Void.self) { floods in
            for _ in 0..<64 {
                floods.addTask {
                    for _ in 0..<(count / 64) {
                        guard let client = try? await Client.connect(port, from: source) else { continue }
                        try? await client.reset()
                    }
                }
            }
        }
    }
}
