// How fast the embedded knowledge engine finds: `knowledge-bench FOLDER [CHUNKS] [CLIENTS] [SECONDS]`.
// One line of JSON for each measure. Query vectors are given; one process, as many search threads as processors.

import Foundation
import MartletKnowledge
import MartletLogic
import Synchronization

let arguments = CommandLine.arguments
guard arguments.count > 1 else { fatalError("knowledge-bench FOLDER [CHUNKS] [CLIENTS] [SECONDS]") }
let chunks = arguments.count > 2 ? Int(arguments[2]) ?? 100_000 : 100_000
let clients = arguments.count > 3 ? Int(arguments[3]) ?? 16 : 16
let seconds = arguments.count > 4 ? Double(arguments[4]) ?? 10 : 10

func report(_ measure: String, _ values: [String: Double]) {
    let fields = values.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \(($0.value * 1000).rounded() / 1000)" }
    print("{\"measure\": \"\(measure)\", \(fields.joined(separator: ", "))}")
    fflush(nil)
}

func timed(_ body: () async throws -> Void) async rethrows -> Double {
    let start = ContinuousClock.now
    try await body()
    return (ContinuousClock.now - start) / .seconds(1)
}

/// Milliseconds at a share of all, 0...1.
func at(_ share: Double, _ times: [Double]) -> Double {
    times.isEmpty ? 0 : times.sorted()[min(times.count - 1, Int(Double(times.count) * share))] * 1000
}

func resident() -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS") }
    return Double(line?.split(separator: " ").dropFirst().first ?? "") ?? 0
}

/// Asks one question after the other until the time is over, or for ever until it is cancelled.
func ask(
    _ engine: EmbeddedEngine, _ questions: [RetrievalQuery], clients: Int, seconds: Double, pause: Duration? = nil
) async throws -> [Double] {
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
                        try await timed { _ = try await engine.search(question, model: Corpus.model, in: "bench") })
                    if let pause { try await Task.sleep(for: pause) }
                }
                return times
            }
        }
        return try await group.reduce(into: []) { $0 += $1 }
    }
}

var corpus = Corpus()
var engine = try await EmbeddedEngine.open(arguments[1])
if try await engine.bases().isEmpty {
    try await engine.createBase("bench", description: "", model: Corpus.model)
    var spent = 0.0
    for number in 0..<chunks / 100 {
        let document = corpus.document("d\(number)", chunks: 100)
        spent += try await timed { _ = try await engine.put(document, in: "bench", model: Corpus.model) }
    }
    report("put", ["chunks": Double(chunks), "seconds": spent, "chunks_per_second": Double(chunks) / spent])
    await engine.close()
    let opening = try await timed { engine = try await EmbeddedEngine.open(arguments[1]) }
    report("open", ["seconds": opening])
}
report("memory", ["resident_mb": resident() / 1024])
let questions = (0..<2000).map { _ in corpus.question() }
_ = try await ask(engine, questions, clients: 1, seconds: 1)

func single(_ measure: String, _ questions: [RetrievalQuery]) async throws {
    let times = try await ask(engine, questions, clients: 1, seconds: seconds / 4)
    report(measure, ["p50_ms": at(0.5, times), "p99_ms": at(0.99, times), "max_ms": at(1, times)])
}
try await single("single", questions)
try await single("single_vector", questions.map { RetrievalQuery(text: "", vector: $0.vector, limit: 10) })
try await single("single_words", questions.map { RetrievalQuery(text: $0.text, limit: 10) })

for count in [clients / 2, clients, clients * 2] {
    let cpu = clock()
    let times = try await ask(engine, questions, clients: count, seconds: seconds)
    let used = Double(clock() - cpu) / Double(CLOCKS_PER_SEC)
    report(
        "many",
        [
            "clients": Double(count), "per_second": Double(times.count) / seconds, "p50_ms": at(0.5, times),
            "p99_ms": at(0.99, times), "cpu_ms_each": used * 1000 / Double(max(1, times.count)),
        ])
}

// A question each 20 ms, idle and while documents come in.
let idle = try await ask(engine, questions, clients: 1, seconds: seconds, pause: .milliseconds(20))
let writer = Task { [corpus, engine] in
    var corpus = corpus
    var count = 0
    while !Task.isCancelled {
        _ = try await engine.put(corpus.document("late\(count % 20)", chunks: 50), in: "bench", model: Corpus.model)
        count += 50
    }
    return count
}
let busy = try await ask(engine, questions, clients: 1, seconds: seconds, pause: .milliseconds(20))
writer.cancel()
let written = (try? await writer.value) ?? 0
report(
    "while_putting",
    [
        "idle_p50_ms": at(0.5, idle), "idle_p99_ms": at(0.99, idle), "busy_p50_ms": at(0.5, busy),
        "busy_p99_ms": at(0.99, busy), "put_per_second": Double(written) / seconds,
    ])
_ = try await engine.delete((0..<20).map { "late\($0)" }, from: "bench", files: true)
await engine.close()
