import Foundation
import MartletTools
import Testing

/// Out of file descriptors, a gateway waits instead of spinning, and goes on by itself.
@Suite(.serialized, .timeLimit(.minutes(1))) struct DescriptorTests {
    @Test func WithoutDescriptorsNoCoreIsBurnt() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, _ in
            let limiting = try Process.run(
                URL(fileURLWithPath: "/usr/bin/prlimit"), arguments: ["--pid", "\(try martlet.servingID)", "--nofile=64:64"])
            limiting.waitUntilExit()
            #expect(limiting.terminationStatus == 0)
            var clients: [Peer] = []
            for _ in 0..<100 { clients.append(try await Peer.connect(martlet.publicPort)) }
            try await until("the shortage") { martlet.log().contains("no connection can be accepted") }
            let (before, start) = (try martlet.cpuSeconds(), ContinuousClock.now)
            try await Task.sleep(for: .seconds(1))
            let spent = try martlet.cpuSeconds() - before
            let elapsed = (ContinuousClock.now - start) / .seconds(1)
            #expect(spent / elapsed < 0.2, "\(spent) s of CPU in \(elapsed) s")
            for client in clients { await client.close() }
            let answer = try await martlet.get()
            #expect(answer.status == 200)
        }
    }
}
