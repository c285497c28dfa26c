import Foundation
import MartletConsole
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

// Documents, as Chatchat takes and gives them.
extension ChatchatEndpoint {
    func upload(_ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        let form = try await spool.form(request, body)
        defer { form.folder.remove() }
        let fields = RequestFields(form)
        let name = try fields.required("knowledge_base_name")
        guard !KnowledgeName.isHostile(name) else { return ChatchatReply.attack.response }
        let files = form.files.filter { $0.field == "files" }
        let custom = try fields.spelled("docs") ?? [:]
        guard !files.isEmpty || !custom.isEmpty else {
            throw FieldFlaw(field: "files", kind: .missing, message: "`files` is missing.")
        }
        _ = try await base(name)
        let options = try ingestOptions(fields)
        let replaces = try fields.flag("override") ?? false
        var failed: [String: String] = [:]
        for file in files where custom[file.name] == nil {
            failed[file.name] = try await add(file, to: name, options, isTold: !replaces)
        }
        failed.merge(try await add(custom: custom, of: files, to: name, options)) { $1 }
        return ChatchatReply("文件上传与向量化完成", failed: failed).response
    }

    /// Why it was not taken; nil: it was.
    ///
    /// - Parameter isTold: Whether the same content once more is told to be there. Another content of the same name is
    ///   taken in any case.
    private func add(
        _ file: SpooledFile, to base: String, _ options: IngestOptions, isTold: Bool
    ) async throws -> String? {
        guard KnowledgeName.isValid(document: file.name) else { return "Don't attack me" }
        return try await failure(of: "\(file.name) 文件上传失败，报错信息为") {
            let added = try await desk.add(IncomingFile(name: file.name, path: file.path), to: base, options)
            return added.isNew || !isTold ? nil : "文件 \(file.name) 已存在。"
        }
    }

    /// Documents whose chunks are given, by name: lists of `{page_content, metadata}`.
    ///
    /// - Parameter files: That came with them: kept, to be read once the chunks are not wanted any more.
    private func add(
        custom: Fields, of files: [SpooledFile] = [], to base: String, _ options: IngestOptions
    ) async throws -> [String: String] {
        var failed: [String: String] = [:]
        for (name, value) in custom.sorted(by: { $0.key < $1.key }) {
            guard case .array(let list) = value, KnowledgeName.isValid(document: name) else {
                failed[name] = "为 \(name) 添加自定义docs时出错：不是文档列表"
                continue
            }
            let chunks = try list.map { try RequestFields(Self.members($0)).required("page_content") }
            var metadata = try list.first.map { try RequestFields(Self.members($0)).metadata("metadata") } ?? [:]
            metadata[Self.customKey] = .flag(true)
            var options = options
            options.given = chunks
            failed[name] = try await failure(of: "为 \(name) 添加自定义docs时出错") { [options, metadata] in
                if let path = try await path(of: name, among: files, in: base) {
                    _ = try await desk.add(IncomingFile(name: name, path: path, metadata: metadata), to: base, options)
                    return nil
                }
                let form = try await spool.texts([(name, chunks.joined(separator: "\n\n"))])
                defer { form.folder.remove() }
                for file in form.files {
                    _ = try await desk.add(
                        IncomingFile(name: name, path: file.path, metadata: metadata), to: base, options)
                }
                return nil
            }
        }
        return failed
    }

    /// Where a file is: one that came now, or one that is kept; nil: there is none of that name.
    private func path(of file: String, among sent: [SpooledFile], in base: String) async throws -> String? {
        if let sent = sent.last(where: { $0.name == file }) { return sent.path }
        do {
            return try await desk.file(file, in: base).path
        } catch let error as KnowledgeError where error.code == .notFound {
            return nil
        }
    }

    private static func members(_ value: JSON) throws(FieldFlaw) -> Fields {
        guard case .object(let members) = value else {
            throw FieldFlaw(field: "docs", kind: .object, message: "`docs` has a document that is no object.")
        }
        return members
    }

    /// Reads documents anew from the files that they came with.
    func update(_ fields: RequestFields) async throws -> LocalResponse {
        let name = try fields.required("knowledge_base_name")
        guard !KnowledgeName.isHostile(name) else { return ChatchatReply.attack.response }
        guard let names = try fields.texts("file_names") else {
            throw FieldFlaw(field: "file_names", kind: .missing, message: "`file_names` is missing.")
        }
        _ = try await base(name)
        let custom = try fields.spelled("docs") ?? [:]
        let options = try ingestOptions(fields)
        let replacesCustom = try fields.flag("override_custom_docs") ?? false
        let kept = replacesCustom ? [] : Set(try await desk.documents(in: name).filter(isCustom).map(\.document.name))
        var failed: [String: String] = [:]
        for file in names where custom[file] == nil && !kept.contains(file) {
            failed[file] = try await reread(file, in: name, options)
        }
        failed.merge(try await add(custom: custom, to: name, options)) { $1 }
        return ChatchatReply("更新文档完成", failed: failed).response
    }

    /// Why it was not read; nil: it was.
    func reread(_ file: String, in base: String, _ options: IngestOptions) async throws -> String? {
        try await failure(of: "加载文档 \(file) 时出错") {
            let stored = try await desk.file(file, in: base)
            _ = try await desk.add(IncomingFile(name: file, path: stored.path), to: base, options)
            return nil
        }
    }

    func delete(_ fields: RequestFields) async throws -> LocalResponse {
        let name = try fields.required("knowledge_base_name")
        guard !KnowledgeName.isHostile(name) else { return ChatchatReply.attack.response }
        guard let names = try fields.texts("file_names") else {
            throw FieldFlaw(field: "file_names", kind: .missing, message: "`file_names` is missing.")
        }
        let decoded = name.removingPercentEncoding ?? name
        _ = try await base(decoded)
        let failed = try await desk.delete(names, from: decoded, files: try fields.flag("delete_content") ?? false)
        let told = failed.map { name, error in
            (name, error.code == .notFound ? "未找到文件 \(name)" : "\(name) 文件删除失败，错误信息：\(error.message)")
        }
        return ChatchatReply("文件删除完成", failed: Dictionary(told) { $1 }).response
    }

    func download(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let query = try RequestQuery(request, knows: ["knowledge_base_name", "file_name", "preview"])
        guard let name = query.text("knowledge_base_name"), let file = query.text("file_name") else {
            throw FieldFlaw(field: "file_name", kind: .missing, message: "A base and a file are to be named.")
        }
        guard !KnowledgeName.isHostile(name), !KnowledgeName.isHostile(file) else {
            return ChatchatReply.attack.response
        }
        let isShown = try query.flag("preview", or: false)
        _ = try await base(name)
        let stored: StoredFile
        do {
            stored = try await desk.file(file, in: name)
        } catch let error as KnowledgeError where error.code == .notFound {
            return ChatchatReply("\(file) 读取文件失败", code: 500).response
        }
        return FileAnswer.response(stored, isShown: isShown)
    }

    // MARK: Settings

    func ingestOptions(_ fields: RequestFields) throws(FieldFlaw) -> IngestOptions {
        let size = try fields.count("chunk_size", in: 1...100_000) ?? 750
        let overlap = try fields.count("chunk_overlap", in: 0...100_000) ?? 150
        guard overlap <= size else {
            throw FieldFlaw(field: "chunk_overlap", kind: .range, message: "`chunk_overlap` is above `chunk_size`.")
        }
        var options = IngestOptions()
        let titles = try fields.flag("zh_title_enhance") ?? false
        options.splitting = .chatchat(size: size, overlap: overlap, titles: titles)
        return options
    }

    /// What a file's own failure says; others end the request.
    func failure(of what: String, _ body: () async throws -> String?) async throws -> String? {
        do {
            return try await body()
        } catch {
            guard let known = KnowledgeError(of: error) else { throw error }
            return "\(what)：\(known.message)"
        }
    }
}
