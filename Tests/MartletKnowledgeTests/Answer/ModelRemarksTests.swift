import Logging
import MartletBase
import MartletKnowledge
import MartletLogic
import Synchronization
import Testing

@Suite("What the log says of a model that is done without")
struct ModelRemarksTests {
    /// Keeps what it is told.
    private final class Book: LogHandler, Sendable {
        let lines = Mutex([Logger.Metadata]())
        var metadata: Logger.Metadata { get { [:] } set {} }
        var logLevel: Logger.Level { get { .trace } set {} }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? { get { nil } set {} }

        func log(event: LogEvent) { lines.withLock { $0.append(event.metadata ?? [:]) } }
    }

    private static let texts = ["年假：员工入职满一年后享受带薪年假5天。"]

    @Test("Each kind of trouble is told once a minute, with the model's name and what it said")
    func once() async throws {
        let book = Book()
        let time = Mutex(Instant(nanoseconds: 0))
        let remarks = ModelRemarks(Logger(label: "test") { _ in book }, standard: "qwen") { time.withLock { $0 } }
        func ask(_ code: KnowledgeError.Code, _ model: String? = nil) async throws {
            let answerer = Answerer(
                source: FakeBases(Self.texts), model: FakeModel { _ in [.refuse(code)] }, remarks: remarks)
            var question = Question("员工年假有几天？", bases: ["a"])
            question.model = model
            _ = try await Heard(answerer.answer(question))
        }
        for _ in 0..<3 { try await ask(.overloaded) }
        try await ask(.notFound, "llama")
        time.withLock { $0 = Instant(nanoseconds: 61_000_000_000) }
        try await ask(.overloaded)
        let told = book.lines.withLock { $0 }
        #expect(told.map { $0["code"] } == ["model_busy", "model_absent", "model_busy"])
        #expect(told.map { $0["model"] } == ["qwen", "llama", "qwen"])
        #expect(told.allSatisfy { $0["reason"] == "The model does not want to." })
    }

    @Test("Nobody is missed where nobody is asked, and an answer is no trouble")
    func quiet() async throws {
        let book = Book()
        let remarks = ModelRemarks(Logger(label: "test") { _ in book }, standard: "qwen")
        let model = FakeModel(saying: "员工入职满一年后享受带薪年假5天[1]。")
        let answerer = Answerer(source: FakeBases(Self.texts), model: model, remarks: remarks)
        var question = Question("员工年假有几天？", bases: ["a"])
        _ = try await Heard(answerer.answer(question))
        question.model = ""
        _ = try await Heard(answerer.answer(question))
        #expect(book.lines.withLock { $0.isEmpty })
    }
}
