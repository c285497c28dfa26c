import MartletKnowledge
import MartletLogic
import MartletWire

/// How files are taken.
package struct AddOrder: Sendable {
    package enum Splitting: String, Sendable, CaseIterable { case headings, chatchat }

    package var splitting = Splitting.headings
    /// In characters.
    package var size = 750
    package var overlap = 150
    /// Each as `name=value`; a number and `true` or `false` are what they look like.
    package var metadata: [String] = []

    package init() {}

    var options: IngestOptions {
        var options = IngestOptions()
        options.splitting =
            switch splitting {
            case .headings: .headings(size: size, overlap: overlap)
            case .chatchat: .chatchat(size: size, overlap: overlap, titles: false)
            }
        return options
    }

    /// - Throws: `invalid`: one is no pair.
    func values() throws(KnowledgeError) -> [String: MetadataValue] {
        var values: [String: MetadataValue] = [:]
        for pair in metadata {
            guard let mark = pair.firstIndex(of: "="), mark > pair.startIndex else {
                throw KnowledgeError(.invalid, "'\(pair)' is not NAME=VALUE.")
            }
            let text = String(pair[pair.index(after: mark)...])
            let number = Double(text).flatMap { $0.isFinite ? MetadataValue.number($0) : nil }
            values[String(pair[..<mark])] = Bool(text).map { .flag($0) } ?? number ?? .text(text)
        }
        return values
    }
}

// Files into a base.
extension KnowledgeTool {
    /// How often a file is brought that is asked to come later.
    private static let attempts = 6

    /// Adds files, and all those in folders. What cannot be taken is a line that names it, and the rest goes on; ends
    /// where nothing can be taken any more.
    ///
    /// - Returns: Whether all of them were taken.
    package func add(_ paths: [String], to base: String, _ order: AddOrder) async throws -> Bool {
        let metadata = try order.values()
        try await mustHave(base)
        let scan = FileScan(paths)
        for flaw in scan.flaws { output.remark(flaw) }
        var counts = (added: 0, same: 0, failed: scan.flaws.count)
        let shown = ShownProgress(files: scan.files.count, on: output)
        for file in scan.files {
            shown.change { $0.begin(file.name) }
            var options = order.options
            options.progress = { done, count in shown.change { $0.embedded(done, of: count) } }
            switch try await take(file, into: base, options, metadata) {
            case .failure(let error):
                counts.failed += 1
                tell(error, of: file)
            case .success(let added):
                if added.isNew { counts.added += 1 } else { counts.same += 1 }
                // Who looks on sees the bar.
                if isJSON || output.columns == nil { tell(added) }
                tellDuplicates(of: added)
            }
            shown.change { $0.end() }
        }
        output.pass("")
        if !isJSON { output.line("\(counts.added) added, \(counts.same) as they were, \(counts.failed) failed") }
        return counts.failed == 0
    }

    func mustHave(_ base: String) async throws {
        guard try await desk.has(base: base) else {
            throw KnowledgeError(
                .notFound, "There is no base \(printable(base)): make it with `martlet kb create`.")
        }
    }

    /// - Throws: What is no fault of the file: `unavailable`, `CancellationError`.
    func take(
        _ file: FileScan.File, into base: String, _ options: IngestOptions, _ metadata: [String: MetadataValue]
    ) async throws -> Result<Added, KnowledgeError> {
        let incoming = IncomingFile(name: file.name, path: file.path, metadata: metadata)
        var (pause, attempt) = (pause, 1)
        while true {
            do {
                return .success(try await desk.add(incoming, to: base, options))
            } catch let error as KnowledgeError where error.code == .overloaded && attempt < Self.attempts {
                try await Task.sleep(for: pause)
                (pause, attempt) = (pause * 2, attempt + 1)
            } catch let error as KnowledgeError where error.code != .unavailable {
                return .failure(error)
            }
        }
    }

    // MARK: Telling

    func tell(_ added: Added) {
        guard !isJSON else { return output.line(JSON(added).text) }
        let name = printable(added.document.name)
        output.line(
            added.isNew
                ? "added \(name)  version \(added.document.version), \(added.chunks) chunks, \(added.embedded) embedded"
                : "as it was \(name)")
    }

    func tellDuplicates(of added: Added) {
        guard !added.nearDuplicates.isEmpty, !isJSON else { return }
        let others = added.nearDuplicates.map { printable($0) }.joined(separator: ", ")
        output.remark("\(printable(added.document.name)) says nearly the same as \(others)")
    }

    func tell(_ error: KnowledgeError, of file: FileScan.File) {
        if isJSON {
            let failed: JSON = [
                "name": .string(file.name), "code": .string(error.code.rawValue), "message": .string(error.message),
            ]
            output.line(failed.text)
        } else {
            let message = TerminalText.oneLine(error.message)
            output.remark(message.contains(file.name) ? message : "\(printable(file.name)): \(message)")
        }
    }
}
