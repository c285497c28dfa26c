import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Bodies that are too long for a frame lie in memory that Martlet shares with the worker.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SharedMemoryTests {
    /// Answers a text with a longer one, a number with so many bytes.
    private static let source = """
        class Large(LitAPI):
            concurrent = 4

            def predict(self, x):
                if isinstance(x, int):
                    return b"abcdefgh" * (x // 8)
                return x + x
        """

    private static func text(_ bytes: Int) -> String {
        let line = "0123456789abcdefghijklmnopqrstuvwxyz"
        return "\"" + String(repeating: line, count: bytes / line.count) + "\""
    }

    /// Descriptors and mappings of shared memory.
    private static func traces(of pid: Int32) throws -> [Int] {
        let links = try Array(ProcessFiles.links(of: pid).values)
        let maps = try String(contentsOfFile: "/proc/\(pid)/maps", encoding: .utf8).split(separator: "\n")
        return [links, maps.map(String.init)].map { $0.count { $0.contains("memfd:martlet-worker") } }
    }

    /// Waits until bodies of so many bytes in all lie in the memory, of requests and of answers.
    private static func awaitLying(_ requests: Double, _ answers: Double, _ martlet: MartletProcess) async throws {
        var seen: [Double] = []
        try await until("the places to be given back", explain: { "\(seen)" }) {
            let metrics = try await martlet.metrics()
            seen = ["request", "answer"].map {
                metrics.sum("martlet_workers_shared_memory_bytes", ["pool": "m", "kind": $0])
            }
            return seen == [requests, answers]
        }
    }

    @Test(arguments: ["64MiB", "1MiB", "off"]) func LongBodiesArriveWholeWhateverTheirWay(memory: String) async throws {
        try await withApp(Self.source, "shared_memory: \(memory)") { martlet, _ in
            for bytes in [60_000, 70_000, 1 << 20, 3 << 20] {
                let body = Self.text(bytes)
                let answer = try await martlet.predict(body)
                #expect(answer.expect(200).body == body.dropLast() + body.dropFirst())
            }
            let shared = memory == "off" ? 0 : 1
            let worker = try #require(try await martlet.backend().pid)
            #expect(try Self.traces(of: martlet.servingID) == [shared, 0])
            #expect(try Self.traces(of: worker)[1] == shared)
            try await Self.awaitLying(0, 0, martlet)
        }
    }

    @Test func ManyAtOnceAndThoseWhoLeaveGiveTheirPlacesBack() async throws {
        // Room for three answers at a time.
        try await withApp(Self.source, "shared_memory: 4MiB") { martlet, _ in
            for _ in 0..<4 {
                try await withThrowingTaskGroup { group in
                    for number in 0..<16 {
                        group.addTask {
                            guard number % 2 == 0 else {
                                let client = try await martlet.connect(reads: false)
                                try await client.send(Client.request("POST", "/predict", body: "1200000"))
                                try await client.reset()
                                return
                            }
                            let answer = try await martlet.predict("1200000")
                            #expect(answer.expect(200).body.utf8.count == 1_200_000)
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await Self.awaitLying(0, 0, martlet)
        }
    }

    @Test func AWorkerHasABodyUntilItHasReadIt() async throws {
        try await withApp(Self.source) { martlet, _ in
            let worker = try #require(try await martlet.backend().pid)
            kill(worker, SIGSTOP)
            let client = try await martlet.begin(Self.text(1 << 20))
            try await Self.awaitLying(Double(Self.text(1 << 20).utf8.count), 0, martlet)
            kill(worker, SIGCONT)
            #expect(try await client.answer(to: "POST").status == 200)
            try await Self.awaitLying(0, 0, martlet)
            await client.close()
        }
    }

    @Test func ThoseWhoReadNothingHoldASmallPartOfTheirAnswers() async throws {
        try await withApp(Self.source) { martlet, _ in
            let memory = try martlet.residentBytes()
            var clients: [Client] = []
            for _ in 0..<4 {
                let client = try await martlet.connect(reads: false)
                try await client.send(Client.request("POST", "/predict", body: "15000000"))
                clients.append(client)
            }
            try await martlet.awaitInHand(4)
            try await Self.awaitLying(0, 60_000_000, martlet)
            try await martlet.predict("1000").expect(200)
            #expect(try martlet.residentBytes() < memory + 24 << 20)
            for client in clients {
                try await client.setReading(true)
                #expect(try await client.answer(to: "POST").body.utf8.count == 15_000_000)
                await client.close()
            }
        }
    }

    @Test func KilledTwentyTimesUnderLongBodiesNothingIsLeft() async throws {
        // Each may end ten times before it is made to wait.
        try await withApp(Self.source, "workers_per_device: 2", "restart: {stable: 1ms}", workers: 2) { martlet, _ in
            let body = Self.text(2 << 20)
            try await martlet.predict(body).expect(200)
            let load = Task {
                try await martlet.load {
                    $0.path = "/predict"
                    $0.body = body
                    $0.connections = 4
                    $0.duration = .seconds(6)
                }
            }
            for number in 0..<20 {
                let pid = try #require(try await martlet.backend(number % 2).pid)
                kill(pid, SIGKILL)
                try await martlet.awaitReplacement(of: pid, number % 2)
            }
            let seen = try await load.value
            #expect(seen.completed + seen.failed + seen.unfinished == seen.requests, "\(seen.text)")
            try await until("the memory of the last workers alone", explain: { martlet.log() }) {
                try Self.traces(of: martlet.servingID) == [2, 0]
            }
            try await martlet.predict(body).expect(200)
        }
    }
}
