import Foundation
import MartletKnowledge
import MartletLogic
import MartletWire
import UnixSignals

/// `martlet kb`: asks a server, or the store itself. What it says is for a person to read, or JSON.
package struct KnowledgeTool: Sendable {
    let desk: any KnowledgeDesk
    let output: ToolOutput
    let isJSON: Bool
    /// Before a file is brought once more that was asked to come later; each further one is twice as long.
    var pause: Duration = .seconds(1)

    init(_ desk: any KnowledgeDesk, output: ToolOutput, isJSON: Bool) {
        (self.desk, self.output, self.isJSON) = (desk, output, isJSON)
    }

    /// Opens knowledge for `body`, which is cancelled by SIGINT and SIGTERM, and closes it.
    ///
    /// - Throws: `KnowledgeError`, `ConfigurationError`, `CancellationError`, and what `body` throws.
    package static func using<Answer: Sendable>(
        _ place: KnowledgePlace, isJSON: Bool, _ body: @escaping @Sendable (KnowledgeTool) async throws -> Answer
    ) async throws -> Answer {
        let output = ToolOutput.standard(columns: place.environment["COLUMNS"].flatMap { Int($0) } ?? 80)
        return try await untilInterrupted {
            let (desk, close) = try await KnowledgeWay.open(place)
            do {
                let answer = try await body(KnowledgeTool(desk, output: output, isJSON: isJSON))
                await close()
                return answer
            } catch {
                output.pass("")
                await close()
                throw error
            }
        }
    }

    /// The first signal cancels `body`; a second one ends the process at once.
    static func untilInterrupted<Answer: Sendable>(
        _ body: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
        let work = Task { try await body() }
        async let _ = { @Sendable in
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                if work.isCancelled { exit(130) }
                work.cancel()
            }
        }()
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            work.cancel()
        }
    }

    // MARK: Bases

    package func create(_ name: String, description: String, embedding: String?) async throws {
        try await desk.create(BaseSettings(name: name, description: description, embedding: embedding))
        guard isJSON else { return output.line("made \(printable(name))") }
        output.line(JSON(try await desk.base(name)).text)
    }

    package func list() async throws {
        let bases = try await desk.bases()
        guard !isJSON else { return output.line(JSON.object(["bases": .array(bases.map { JSON($0) })]).text) }
        guard !bases.isEmpty else { return output.line("none") }
        for base in bases {
            let counts = "\(base.documents) documents, \(base.chunks) chunks"
            let words = [
                printable(base.name), counts, printable(base.model.name),
                base.next.map { "(\(printable($0.name)) begun)" } ?? "", TerminalText.oneLine(base.description),
            ]
            output.line(words.filter { !$0.isEmpty }.joined(separator: "  "))
        }
    }

    package func remove(_ base: String) async throws {
        try await desk.remove(base: base)
        output.line(isJSON ? JSON.object(["name": .string(base), "deleted": true]).text : "removed \(printable(base))")
    }

    // MARK: Documents

    package func documents(_ base: String) async throws {
        let documents = try await desk.documents(in: base)
        guard !isJSON else {
            return output.line(JSON.object(["documents": .array(documents.map { JSON($0) })]).text)
        }
        guard !documents.isEmpty else { return output.line("none") }
        for document in documents {
            output.line(
                "\(printable(document.document.name))  version \(document.document.version), "
                    + "\(document.chunks) chunks, \(document.bytes) bytes, \(document.type)")
        }
    }

    /// - Returns: Whether all of them were there.
    package func delete(_ names: [String], from base: String) async throws -> Bool {
        let failed = try await desk.delete(names, from: base, files: true)
        for name in names {
            if let error = failed[name] { output.remark(error.message) } else { tellDeleted(name) }
        }
        return failed.isEmpty
    }

    func tellDeleted(_ name: String) {
        output.line(isJSON ? JSON.object(["name": .string(name), "deleted": true]).text : "deleted \(printable(name))")
    }
}
