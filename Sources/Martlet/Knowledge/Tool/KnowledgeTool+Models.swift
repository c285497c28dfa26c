import MartletKnowledge
import MartletWire

// Another model for the vectors of a base.
extension KnowledgeTool {
    /// Ends with the base's new model; what is broken off goes on when the same is said again.
    ///
    /// - Parameter model: By its name in the configuration; nil: the default one.
    package func reembed(_ base: String, model: String?) async throws {
        let output = output
        let ended = try await desk.reembed(base, with: model) { done, count in
            guard let columns = output.columns else { return }
            output.pass(AddProgress.bar(done, of: count, "\(done)/\(count) chunks", columns: columns))
        }
        output.pass("")
        guard !isJSON else { return output.line(JSON(ended).text) }
        output.line("\(printable(base)) is of \(printable(ended.model.name)), \(ended.chunks) chunks")
    }
}
