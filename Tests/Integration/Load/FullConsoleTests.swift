import MartletTools
import Testing

/// Every place of the console is taken by somebody who says nothing: the rest of the process does not notice.
@Suite(.serialized, .timeLimit(.minutes(1))) struct FullConsoleTests {
    @Test func ListenersThatWaitForRoomDoNotMultiplyTheirWaiting() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, _ in
            var held: [Peer] = []
            for _ in 0..<70 { held.append(try await Peer.connect(martlet.consolePort)) }
            // Each connection that closes is a reason to look for room again.
            for _ in 0..<200 {
                let passing = try await martlet.peer()
                await passing.close()
            }
            let before = try martlet.cpuSeconds()
            try await Task.sleep(for: .seconds(1))
            #expect(try martlet.cpuSeconds() - before < 0.3)
            let (answer, time) = try await timed { try await martlet.get() }
            #expect(answer.status == 200)
            #expect(time < .seconds(1))
            for connection in held { await connection.close() }
        }
    }
}
