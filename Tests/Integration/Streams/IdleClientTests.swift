import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Connections that wait for their next request.
@Suite(.serialized, .timeLimit(.minutes(1))) struct IdleClientTests {
    /// As after a pause of the whole machine: everything is late, and what came first is to be seen first.
    @Test func aRequestThatCameInTimeIsAnsweredHoweverLateItIsSeen() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets(), more: "limits: {keepalive: 3s}") }) { martlet, _ in
            let request = Client.request("GET", "/healthz")
            // More than are looked at in one turn of an event loop.
            var clients: [Client] = []
            for _ in 0..<400 {
                let client = try await martlet.connect()
                try await client.send(request)
                try await client.answer().expect(200)
                clients.append(client)
            }
            let serving = try martlet.servingID
            kill(serving, SIGSTOP)
            for client in clients { try await client.send(request) }
            // What is tested is that this time passes.
            try await Task.sleep(for: .seconds(3.2))
            kill(serving, SIGCONT)
            for client in clients { try await client.answer().expect(200) }
            for client in clients { await client.close() }
        }
    }
}
