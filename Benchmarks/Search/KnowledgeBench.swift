import Foundation
import MartletKnowledge
import MartletLogic

/// How fast the embedded knowledge engine finds, with query vectors given: one line of JSON for each measure.
@main
struct KnowledgeBench {
    private static let base = "bench"

    private let folder: String
    private let chunks: Int
    private let clients: Int
    private let seconds: Double

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 1 else {
            print("knowledge-bench FOLDER [CHUNKS] [CLIENTS] [SECONDS]")
            exit(64)
        }
        func number(_ index: Int, or usual: Double) -> Double {
            arguments.count > index ? Double(arguments[index]) ?? usual : usual
        }
        try await KnowledgeBench(
            folder: arguments[1], chunks: Int(number(2, or: 100_000)), clients: Int(number(3, or: 16)),
            seconds: number(4, or: 10)
        ).run()
    }

    private func run() async throws {
        var corpus = Corpus()
        try await fill(&corpus)
        var engine: EmbeddedEngine?
        let opening = try await Times.of { engine = try await EmbeddedEngine.open(folder) }
        guard let engine else { return }
        report("open", ["seconds": opening, "resident_mb": Self.resident])
        let questions = (0..<2000).map { _ in corpus.question() }
        _ = try await ask(engine, questions, clients: 1, seconds: 1)
        try await single("single", engine, questions)
        let unspoken = questions.map { RetrievalQuery(text: "", vector: $0.vector, limit: 10) }
        try await single("single_vector", engine, unspoken)
        try await single("single_words", engine, questions.map { RetrievalQuery(text: $0.text, limit: 10) })
        for clients in [clients / 2, clients, clients * 2] { try await many(engine, questions, clients: clients) }
        try await recall(engine, questions.prefix(Self.compared).compactMap(\.vector))
        try await whilePutting(engine, questions, &corpus)
        await engine.close()
    }

    /// Questions whose best ten are compared with those of a scan of all vectors as they are.
    private static let compared = 100

    private func recall(_ engine: EmbeddedEngine, _ vectors: [[Float]]) async throws {
        var exact = ExactScan(vectors, limit: 10)
        for document in try await engine.documents(in: Self.base) {
            let name = document.document.name
            let keys = (0..<document.chunks).map { Corpus.key(of: $0, in: name) }
            let kept = try await engine.vectors(of: keys, by: Corpus.model, in: Self.base)
            for (key, vector) in kept { exact.offer(key, vector) }
        }
        var found = 0
        for (number, vector) in vectors.enumerated() {
            let query = RetrievalQuery(text: "", vector: vector, limit: 10)
            let passages = try await engine.search(query, model: Corpus.model, in: Self.base)
            found += exact.best(of: number).intersection(passages.map(Corpus.key)).count
        }
        let wanted = exact.count
        report("recall", ["questions": Double(vectors.count), "recall": Double(found) / Double(max(1, wanted))])
    }

    /// Documents of a hundred chunks, where there are none from another run.
    private func fill(_ corpus: inout Corpus) async throws {
        let engine = try await EmbeddedEngine.open(folder)
        if try await engine.bases().isEmpty {
            try await engine.createBase(Self.base, description: "", model: Corpus.model)
            var spent = 0.0
            for number in 0..<chunks / 100 {
                let document = corpus.document("d\(number)", chunks: 100)
                spent += try await Times.of {
                    _ = try await engine.put(document, in: Self.base, model: Corpus.model)
                }
            }
            report("put", ["chunks": Double(chunks), "per_second": Double(chunks) / spent])
        }
        await engine.close()
    }

    private func single(_ measure: String, _ engine: EmbeddedEngine, _ questions: [RetrievalQuery]) async throws {
        let times = try await ask(engine, questions, clients: 1, seconds: seconds / 2)
        report(measure, ["p50_ms": times.at(0.5), "p99_ms": times.at(0.99)])
    }

    private func many(_ engine: EmbeddedEngine, _ questions: [RetrievalQuery], clients: Int) async throws {
        let start = clock()
        let times = try await ask(engine, questions, clients: clients, seconds: seconds)
        let used = Double(clock() - start) / Double(CLOCKS_PER_SEC)
        report(
            "many",
            [
                "clients": Double(clients), "per_second": Double(times.count) / seconds, "p50_ms": times.at(0.5),
                "p99_ms": times.at(0.99), "cpu_ms_each": used * 1000 / Double(max(1, times.count)),
            ])
    }

    /// A question each 20 ms: while nothing else is done, and while documents of fifty chunks come one after the other.
    private func whilePutting(
        _ engine: EmbeddedEngine, _ questions: [RetrievalQuery], _ corpus: inout Corpus
    ) async throws {
        let documents = (0..<20).map { corpus.document("late\($0)", chunks: 50) }
        let idle = try await ask(engine, questions, clients: 1, seconds: seconds, pause: .milliseconds(20))
        async let written = Self.put(documents, engine, seconds: seconds)
        let busy = try await ask(engine, questions, clients: 1, seconds: seconds, pause: .milliseconds(20))
        let count = try await written
        _ = try await engine.delete(documents.map(\.name), from: Self.base, files: true)
        report(
            "while_putting",
            [
                "idle_p50_ms": idle.at(0.5), "idle_p99_ms": idle.at(0.99), "busy_p50_ms": busy.at(0.5),
                "busy_p99_ms": busy.at(0.99), "put_per_second": Double(count) / seconds,
            ])
    }

    private static func put(
        _ documents: [PreparedDocument], _ engine: EmbeddedEngine, seconds: Double
    ) async throws -> Int {
        let end = ContinuousClock.now + .seconds(seconds)
        var count = 0
        while ContinuousClock.now < end {
            let document = documents[count / 50 % documents.count]
            _ = try await engine.put(document, in: base, model: Corpus.model)
            count += document.parts.count
        }
        return count
    }

    /// Asks one question after the other until the time is over.
    private func ask(
        _ engine: EmbeddedEngine, _ questions: [RetrievalQuery], clients: Int, seconds: Double, pause: Duration? = nil
    ) async throws -> Times {
        let end = ContinuousClock.now + .seconds(seconds)
        return try await withThrowingTaskGroup(of: [Double].self) { group in
            for client in 0..<clients {
                group.addTask {
                    var times: [Double] = []
                    var next = client * 31
                    while ContinuousClock.now < end {
                        let question = questions[next % questions.count]
                        next += 1
                        times.append(
                            try await Times.of {
                                _ = try await engine.search(question, model: Corpus.model, in: Self.base)
                            })
                        if let pause { try await Task.sleep(for: pause) }
                    }
                    return times
                }
            }
            return Times(try await group.reduce(into: []) { $0 += $1 })
        }
    }

    private func report(_ measure: String, _ values: [String: Double]) {
        let fields = values.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \(($0.value * 1000).rounded() / 1000)" }
        print("{\"measure\": \"\(measure)\", \(fields.joined(separator: ", "))}")
        fflush(nil)
    }

    private static var resident: Double {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let words = status.split(separator: "\n").first { $0.hasPrefix("VmRSS") }?.split { $0 == " " || $0 == "\t" }
        return (Double(words?.dropFirst().first ?? "") ?? 0) / 1024
    }
}

/// How long each of some calls took.
struct Times: Sendable {
    /// Seconds, ascending.
    private let all: [Double]

    init(_ all: [Double]) { self.all = all.sorted() }

    var count: Int { all.count }

    /// Milliseconds, at a share of all, 0...1.
    func at(_ share: Double) -> Double {
        all.isEmpty ? 0 : all[min(all.count - 1, Int(Double(all.count) * share))] * 1000
    }

    static func of(_ body: () async throws -> Void) async rethrows -> Double {
        let start = ContinuousClock.now
        try await body()
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
