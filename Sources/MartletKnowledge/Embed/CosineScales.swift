import MartletLogic
import Synchronization

/// What cosine a model gives to a question and a text that have nothing to do with each other: near 0 with some models,
/// 0.75 with others. Each model is asked once.
final class CosineScales: Sendable {
    private let unrelated = Mutex<[EmbeddingModel: Double]>([:])

    /// The mean over pairs of no common subject; 0 while the model does not answer, which is asked again then.
    ///
    /// - Throws: `CancellationError`.
    func unrelated(by embedder: any Embedder) async throws -> Double {
        if let known = unrelated.withLock({ $0[embedder.model] }) { return known }
        do {
            let asked = try await embedder.embed(Self.questions, as: .query)
            let found = try await embedder.embed(Self.texts, as: .passage)
            let cosines = asked.flatMap { question in found.map { Double(Vectors.dot(question, $0)) } }
            let mean = min(max(cosines.reduce(0, +) / Double(max(cosines.count, 1)), 0), 0.99)
            unrelated.withLock { $0[embedder.model] = mean }
            return mean
        } catch is KnowledgeError {
            return 0
        }
    }

    // None of the questions is about any of the texts, and both come in both languages.
    private static let questions = [
        "How do I reset the password of my mail account?", "年假有多少天？", "Which bolt fits the front wheel?",
        "冬天怎么给番茄浇水？",
    ]
    private static let texts = [
        "The museum is open from Tuesday to Sunday. Tickets are sold at the entrance until an hour before it closes.",
        "本机使用 220 伏交流电源，安装前请先切断总闸，并由电工接线。",
        "The orchestra plays three symphonies this season, among them one that was found again last year.",
        "候鸟每年秋天飞往南方，途中在湖边的芦苇里停留几天。",
    ]
}
