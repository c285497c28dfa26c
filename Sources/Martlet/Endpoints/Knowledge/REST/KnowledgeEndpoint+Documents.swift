import MartletBase
import MartletConsole
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire
import Synchronization

// Documents, by Martlet's own paths.
extension KnowledgeEndpoint {
    private static let mostListed = 1000
    private static let mostChunks = 200

    func documents(_ base: String, _ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        switch request.method {
        case .get, .head:
            let query = try RequestQuery(request, knows: ["limit", "next"])
            let limit = try query.count("limit", in: 1...Self.mostListed, or: 100)
            let first = try query.count("next", in: 0...Int(Int32.max), or: 0)
            let all = try await desk.documents(in: base)
            let page = all.dropFirst(first).prefix(limit)
            let next: JSON = first + page.count < all.count ? .integer(Int64(first + page.count)) : .null
            let list: JSON = [
                "documents": .array(page.map { JSON($0) }), "total": .integer(Int64(all.count)), "next": next,
            ]
            return .json(list.text)
        case .post:
            let form = try await spool.form(request, body)
            guard !form.files.isEmpty else { throw KnowledgeError(.invalid, "The form has no file.") }
            return try await take(form, RequestFields(form), into: base, request)
        default: throw MartletError.wrongMethod(allow: ["GET", "HEAD", "POST"])
        }
    }

    func document(
        _ name: String, of base: String, _ request: LocalRequest, _ body: LocalBody
    ) async throws -> LocalResponse {
        switch request.method {
        case .get, .head: return .json(JSON(try await summary(of: name, in: base)).text)
        case .put:
            let form = try await spool.file(name, body)
            return try await take(form, RequestFields([:]), into: base, request)
        case .delete:
            if let error = try await desk.delete([name], from: base, files: true)[name] { throw error }
            return .json(JSON.object(["name": .string(name), "deleted": true]).text)
        default: throw MartletError.wrongMethod(allow: ["DELETE", "GET", "HEAD", "PUT"])
        }
    }

    private func summary(of name: String, in base: String) async throws -> DocumentSummary {
        guard let document = try await desk.documents(in: base).first(where: { $0.document.name == name }) else {
            throw KnowledgeError(.notFound, "There is no document `\(name.prefix(200))` in this base.")
        }
        return document
    }

    func read(_ part: Part, of name: String, in base: String, _ request: LocalRequest) async throws -> LocalResponse {
        switch part {
        case .file:
            let isShown = try RequestQuery(request, knows: ["show"]).flag("show", or: false)
            return FileAnswer.response(try await desk.file(name, in: base), isShown: isShown)
        case .text:
            let stated = try RequestQuery(request, knows: ["version"]).count("version", in: 0...Int.max, or: 0)
            let version = stated > 0 ? stated : try await summary(of: name, in: base).document.version
            let text = try await desk.text(of: DocumentVersion(base: base, name: name, version: version))
            var answer = JSON(text)
            answer["version"] = .integer(Int64(version))
            return .json(answer.text)
        case .chunks:
            let query = try RequestQuery(request, knows: ["limit", "next"])
            let limit = try query.count("limit", in: 1...Self.mostChunks, or: 50)
            let first = try query.count("next", in: 0...Int(Int32.max), or: 0)
            // One more than is told says whether there are more.
            let chunks = try await desk.chunks(of: name, in: base, from: first, atMost: limit + 1)
            let list: JSON = [
                "chunks": .array(chunks.prefix(limit).map { JSON($0) }),
                "next": chunks.count > limit ? .integer(Int64(first + limit)) : .null,
            ]
            return .json(list.text)
        }
    }

    // MARK: Taking files

    /// With `Accept: text/event-stream` progress is told: `file` when one begins, `progress` while its chunks are
    /// embedded, `added` or `failed`, then `end`. Else all is told at the end. What cannot be read is told by its name;
    /// the rest goes on.
    private func take(
        _ form: UploadedForm, _ fields: RequestFields, into base: String, _ request: LocalRequest
    ) async throws -> LocalResponse {
        _ = try await desk.base(base)
        let (options, metadata) = (try Self.options(fields), try fields.metadata("metadata"))
        if EventStream.isWanted(request) {
            return EventStream.response { [self] writer in
                defer { form.folder.remove() }
                var count = 0
                for file in form.files {
                    try await writer.write(EventStream.event("file", Self.named(file).text))
                    let result = try await add(file, metadata, options, to: base, telling: writer)
                    if case .success = result { count += 1 }
                    try await writer.write(EventStream.event(result.event, Self.told(file, result).text))
                }
                let end: JSON = [
                    "added": .integer(Int64(count)), "failed": .integer(Int64(form.files.count - count)),
                ]
                try await writer.write(EventStream.event("end", end.text))
            }
        }
        defer { form.folder.remove() }
        var (added, failed): ([JSON], [JSON]) = ([], [])
        for file in form.files {
            let result = try await add(file, metadata, options, to: base)
            if case .success = result {
                added.append(Self.told(file, result))
            } else {
                failed.append(Self.told(file, result))
            }
        }
        let told: JSON = ["added": .array(added), "failed": .array(failed)]
        return .json(told.text, status: added.isEmpty ? 422 : 200)
    }

    private func add(
        _ file: SpooledFile, _ metadata: [String: MetadataValue], _ options: IngestOptions, to base: String
    ) async throws -> Result<Added, KnowledgeError> {
        do {
            guard KnowledgeName.isValid(document: file.name) else {
                throw KnowledgeError(.invalid, "`\(file.name.prefix(200))` is not what a document may be called.")
            }
            let incoming = IncomingFile(name: file.name, path: file.path, metadata: metadata)
            return .success(try await desk.add(incoming, to: base, options))
        } catch {
            guard let known = KnowledgeError(of: error) else { throw error }
            return .failure(known)
        }
    }

    private func add(
        _ file: SpooledFile, _ metadata: [String: MetadataValue], _ options: IngestOptions, to base: String,
        telling writer: LocalWriter
    ) async throws -> Result<Added, KnowledgeError> {
        func event(_ done: Int, _ count: Int) -> JSON {
            var event = Self.named(file)
            event["done"] = .integer(Int64(done))
            event["of"] = .integer(Int64(count))
            return event
        }
        return try await EventStream.telling(writer, event) { progress in
            var options = options
            options.progress = progress
            return try await self.add(file, metadata, options, to: base)
        }
    }

    private static func named(_ file: SpooledFile) -> JSON {
        ["name": .string(file.name), "bytes": .integer(Int64(file.bytes))]
    }

    private static func told(_ file: SpooledFile, _ result: Result<Added, KnowledgeError>) -> JSON {
        switch result {
        case .success(let added): return JSON(added)
        case .failure(let error):
            return [
                "name": .string(file.name), "code": .string(error.code.rawValue), "message": .string(error.message),
            ]
        }
    }

    /// `splitting` (`headings` or `chatchat`), `chunk_size`, `chunk_overlap`, `replace`.
    private static func options(_ fields: RequestFields) throws(FieldFlaw) -> IngestOptions {
        var options = IngestOptions()
        let size = try fields.count("chunk_size", in: 50...100_000) ?? 750
        let overlap = try fields.count("chunk_overlap", in: 0...size) ?? min(150, size / 5)
        switch try fields.text("splitting") {
        case nil, "headings"?: options.splitting = .headings(size: size, overlap: overlap)
        case "chatchat"?: options.splitting = .chatchat(size: size, overlap: overlap, titles: false)
        default:
            throw FieldFlaw(
                field: "splitting", kind: .range, message: "`splitting` is neither `headings` nor `chatchat`.")
        }
        options.replaces = try fields.flag("replace") ?? true
        return options
    }
}

extension Result where Success == Added {
    /// Of the event that tells it.
    fileprivate var event: String {
        if case .success = self { "added" } else { "failed" }
    }
}
