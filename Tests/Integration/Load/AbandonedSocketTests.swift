import Foundation
import MartletTools
import Testing

/// A socket whose peer has left is closed at once, whatever its request waits for. Should it not be (here: because the
/// kernel's word of it is kept from an event loop), it is shown with the request that holds it.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AbandonedSocketTests {
    private struct Held {
        let id: String
        let client: Peer
    }

    @Test func ASocketThatItsPeerLeftIsListedWithItsRequestUntilItIsGone() async throws {
        try await withMocks(1) { mocks in
            let configuration = onePool(mocks.targets(), more: "trusted_proxies: [127.0.0.1]\n")
            try await withMartlet(configuration) { martlet in
                // Some on each of the two loops.
                var held: [Held] = []
                for number in 0..<4 { held.append(try await Self.hold("left-\(number)", martlet, mocks[0])) }
                let serving = try martlet.servingID
                let deaf = try await Self.deafen(martlet)
                for one in held { await one.client.close() }

                let listed = try await Self.listed(martlet)
                #expect(listed.allSatisfy { $0.side == "client" && $0.seconds >= 5 })
                let requests = listed.compactMap(\.request)
                #expect(!requests.isEmpty && Set(requests.map(\.id)).isSubset(of: held.map(\.id)), "\(requests)")
                #expect(requests.allSatisfy { $0.route == "/" && $0.seconds >= 5 })
                let report = try await CommandRun.martlet("fds", "\(serving)").output
                #expect(report.contains("CLOSE_WAIT"))

                deaf.stop()
                try await until("the sockets to be gone") { try await martlet.status().isAtRest }
                #expect(try await !CommandRun.martlet("fds", "\(serving)").output.contains("CLOSE_WAIT"))
                try await until("nothing to be listed") {
                    try await martlet.status().descriptors.closeWait.isEmpty
                }
            }
        }
    }

    /// A client whose request nobody answers.
    private static func hold(_ id: String, _ martlet: MartletProcess, _ mock: MockServer) async throws -> Held {
        let client = try await Peer.connect(martlet.publicPort)
        try await client.send(
            "GET /x HTTP/1.1\r\nHost: a\r\nx-request-id: \(id)\r\nx-mock-fault: hang\r\nx-mock-id: \(id)\r\n\r\n")
        _ = try await mock.wait(for: id, state: .waiting)
        return Held(id: id, client: client)
    }

    /// One event loop hears nothing from the kernel any more; it goes on with its own work, and the console answers on
    /// the other one.
    private static func deafen(_ martlet: MartletProcess) async throws -> Tracer {
        let serving = try martlet.servingID
        for loop in try Tracer.loops(serving) {
            let silence = "?epoll_wait,?epoll_pwait:retval=0:delay_exit=20000"
            let tracer = try await Tracer.start(serving, threads: [loop], silence)
            // The wait that it is in still ends with what comes.
            if (try? await answers(martlet)) == true { return tracer }
            tracer.stop()
        }
        throw WaitedInVain(what: "a loop that the console can do without", explanation: "")
    }

    /// Connections are dealt out in turn: every other one is heard.
    private static func answers(_ martlet: MartletProcess) async throws -> Bool {
        for _ in 0..<3 where try await status(martlet) != nil { return true }
        return false
    }

    private static func status(_ martlet: MartletProcess) async throws -> Status? {
        let answer = try? await Client.ask("GET", "/status", port: martlet.consolePort, within: .seconds(1))
        return try answer.map { try MartletProcess.status($0.body) }
    }

    private static func listed(_ martlet: MartletProcess) async throws -> [Status.Descriptors.CloseWait] {
        var found: [Status.Descriptors.CloseWait] = []
        try await until("sockets to be listed", within: .seconds(20), explain: { "\(try await martlet.status())" }) {
            found = try await status(martlet)?.descriptors.closeWait ?? []
            return !found.isEmpty
        }
        return found
    }
}
