import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// `/status` says who holds the descriptors, and says so in a file once they grow scarce.
@Suite(.serialized, .timeLimit(.minutes(1))) struct CensusTests {
    @Test func EveryDescriptorIsOfSomeKind() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, mocks in
            var held: [Peer] = []
            for number in 0..<7 {
                let peer = try await Peer.connect(martlet.publicPort)
                try await peer.send("GET /x HTTP/1.1\r\nHost: a\r\nx-mock-fault: hang\r\nx-mock-id: \(number)\r\n\r\n")
                _ = try await mocks[0].wait(for: "\(number)", state: .waiting)
                held.append(peer)
            }
            let census = try await martlet.status().descriptors
            #expect(census.byKind["client"] == 7)
            #expect(census.byKind["upstream"] == 7)
            #expect(census.byKind["console"] == 1)
            #expect(census.byKind["listener"] == 2)
            #expect(census.byKind.values.reduce(0, +) == census.open)
            // Less the connection that asked.
            try await until("as many as the kernel says") { try martlet.descriptorCount() == census.open - 1 }
            #expect(census.pressure == "none")
            #expect(census.closeWait.isEmpty)
            #expect(try await martlet.metrics().sum("martlet_fd_budget") == Double(census.budget.limit))
            for peer in held { await peer.close() }
        }
    }

    @Test func FourFifthsOfTheBudgetLeaveACensusBehind() async throws {
        try await withMocks(1) { mocks in
            try await withMartlet(onePool(mocks.targets()), under: ["/usr/bin/prlimit", "--nofile=256:256"]) { martlet in
                var held: [Peer] = []
                for _ in 0..<80 {
                    let peer = try await Peer.connect(martlet.publicPort)
                    try await peer.send("GET /x HTTP/1.1\r\nHost: a\r\nx-mock-fault: hang\r\n\r\n")
                    held.append(peer)
                }
                try await until("a census") { martlet.log().contains("descriptors grow scarce") }
                let folder = martlet.directory.appending(path: ".martlet/state").path
                let files = try FileManager.default.contentsOfDirectory(atPath: folder)
                #expect(files.count == 1)
                let text = martlet.written(to: ".martlet/state/\(files.first ?? "")")
                let census = try MartletProcess.status(text).descriptors
                #expect(census.byKind["client"] ?? 0 > 60)
                try await martlet.get(headers: ["x-request-priority: batch"]).expect(503, "overloaded")
                for peer in held { await peer.close() }
            }
        }
    }
}
