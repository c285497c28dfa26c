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

    /// What the kernel says of each descriptor, in the words of `/proc`.
    private static func kinds(_ martlet: MartletProcess) throws -> [String: Int] {
        let folder = "/proc/\(try martlet.servingID)/fd"
        let links = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
        }
        let kinds = links.map { $0.hasPrefix("/") ? "file" : String($0.prefix { $0 != ":" }) }
        return Dictionary(kinds.map { ($0, 1) }, uniquingKeysWith: +)
    }

    @Test func EveryKindHasTheCountThatTheKernelHas() async throws {
        try await withMocks(1) { mocks in
            let configuration = """
                access_log: "{dir}/access"
                backends:
                  own: {command: ["\(try Repository.binary.path)", mock, --port, "{port}"], ready: {path: /health}}
                pools:
                  own: {health: off, keepalive: {connections: 0}, targets: [{backend: own}]}
                  main: {health: off, keepalive: {idle: 60s}, targets: [\(mocks[0].target())]}
                routes:
                  - {path: /own, pool: own}
                  - {path: /, pool: main}
                """
            let martlet = try await MartletProcess.start(configuration)
            do {
                try await until("the backend to serve") { try await martlet.get("/own").status == 200 }
                var held = try await Self.hold(3, martlet)
                for _ in 0..<2 { held.append(try await Peer.connect(martlet.publicPort)) }
                try await martlet.get("/x").expect(200)
                try await Self.expectKinds(
                    ["client": 5, "upstream": 3, "idle": 1, "console": 1, "listener": 2], martlet)
                for peer in held { await peer.close() }
            } catch {
                await martlet.stop()
                throw error
            }
            await martlet.stop()
        }
    }

    /// Checks of the backend come and go: the counts are those of a quiet moment.
    private static func expectKinds(_ expected: [String: Int], _ martlet: MartletProcess) async throws {
        var (said, real) = ([String: Int](), [String: Int]())
        try await until("the counts to agree", explain: { "\(said) \(real)" }) {
            said = try await martlet.status().descriptors.byKind
            real = try kinds(martlet)
            let sockets = ["client", "upstream", "idle", "console", "listener"].reduce(0) { $0 + (said[$1] ?? 0) }
            return expected.allSatisfy { said[$0] == $1 }
                && said["worker"] ?? 0 >= 2
                // The line to the parent is a socket as well; the console's connection is closed by now.
                && sockets == real["socket"] && said["file"] == real["file"] && said["worker"] == real["pipe"]
                && said.values.reduce(0, +) == real.values.reduce(0, +) + 1
        }
    }

    @Test func FourFifthsOfTheBudgetLeaveACensusBehind() async throws {
        try await withMocks(1) { mocks in
            try await withMartlet(onePool(mocks.targets()), under: ["/usr/bin/prlimit", "--nofile=256:256"]) { martlet in
                var held = try await Self.hold(80, martlet)
                try await until("a census") { martlet.log().contains("descriptors grow scarce") }
                let folder = martlet.directory.appending(path: ".martlet/state").path
                let files = try FileManager.default.contentsOfDirectory(atPath: folder)
                #expect(files.count == 1)
                let text = martlet.written(to: ".martlet/state/\(files.first ?? "")")
                let census = try MartletProcess.status(text).descriptors
                #expect(census.byKind["client"] ?? 0 > 60)
                try await martlet.get(headers: ["x-request-priority: batch"]).expect(503, "overloaded")
                for peer in held { await peer.close() }

                // Once more, within ten minutes: what there is to see has been written down.
                try await until("the pressure to be gone") { try await martlet.status().descriptors.pressure == "none" }
                held = try await Self.hold(80, martlet)
                try await until("the pressure to be back") { try await martlet.status().descriptors.pressure != "none" }
                try await Task.sleep(for: .milliseconds(500))
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == files)
                #expect(martlet.log().components(separatedBy: "descriptors grow scarce").count == 2)
                for peer in held { await peer.close() }
            }
        }
    }

    /// So many clients whose requests nobody answers.
    private static func hold(_ count: Int, _ martlet: MartletProcess) async throws -> [Peer] {
        var held: [Peer] = []
        for _ in 0..<count {
            let peer = try await Peer.connect(martlet.publicPort)
            try await peer.send("GET /x HTTP/1.1\r\nHost: a\r\nx-mock-fault: hang\r\n\r\n")
            held.append(peer)
        }
        return held
    }
}
