import Foundation
import MartletConsole
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

// Bases, as Chatchat makes and lists them.
extension ChatchatEndpoint {
    func createBase(_ fields: RequestFields) async throws -> LocalResponse {
        let name = try fields.required("knowledge_base_name")
        guard !KnowledgeName.isHostile(name) else { return ChatchatReply.attack.response }
        guard !name.allSatisfy(\.isWhitespace) else {
            return ChatchatReply("知识库名称不能为空，请重新填写知识库名称", code: 404).response
        }
        do {
            try await desk.create(
                BaseSettings(
                    name: name, description: try fields.text("kb_info") ?? "", embedding: try embedding(fields)))
        } catch let error as KnowledgeError where error.code == .alreadyExists {
            return ChatchatReply("已存在同名知识库 \(name)", code: 404).response
        } catch let error as KnowledgeError where error.code != .invalid {
            return ChatchatReply("创建知识库出错： \(error.message)", code: 500).response
        }
        return ChatchatReply("已新增知识库 \(name)").response
    }

    /// nil: none is named that this server has.
    func embedding(_ fields: RequestFields) throws(FieldFlaw) -> String? {
        try fields.text("embed_model").flatMap { settings.embeddings.contains($0) ? $0 : nil }
    }

    /// The body is a text of JSON.
    func deleteBase(_ body: LocalBody) async throws -> LocalResponse {
        let name: String
        switch try await RequestFields.json(body, empty: .null) {
        case .string(let text): name = text
        case .object(let members): name = try RequestFields(members).required("knowledge_base_name")
        default: throw FieldFlaw(field: "", kind: .text, message: "The body is no text of JSON.")
        }
        guard !KnowledgeName.isHostile(name) else { return ChatchatReply.attack.response }
        let decoded = name.removingPercentEncoding ?? name
        do {
            try await desk.remove(base: decoded)
        } catch let error as KnowledgeError where error.code == .notFound {
            return ChatchatReply("未找到知识库 \(decoded)", code: 404).response
        }
        return ChatchatReply("成功删除知识库 \(decoded)").response
    }

    func listBases(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let bases = try await desk.bases().filter { !TemporaryBases.isOne($0.name) }
        let list = bases.enumerated().map { index, base -> JSON in
            [
                "id": .integer(Int64(index + 1)), "kb_name": .string(base.name), "kb_info": .string(base.description),
                "vs_type": "martlet", "embed_model": .string(base.model.name),
                "file_count": .integer(Int64(base.documents)), "create_time": .string(Self.time(base.created)),
            ]
        }
        return ChatchatReply(data: .array(list)).response
    }

    func describeBase(_ fields: RequestFields) async throws -> LocalResponse {
        let (name, text) = (try fields.required("knowledge_base_name"), try fields.required("kb_info"))
        guard !KnowledgeName.isHostile(name) else { return ChatchatReply.attack.response }
        _ = try await base(name)
        try await desk.describe(name, as: text)
        return ChatchatReply("知识库介绍修改完成", data: ["kb_info": .string(text)]).response
    }

    func listFiles(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        guard let name = try RequestQuery(request, knows: ["knowledge_base_name"]).text("knowledge_base_name") else {
            throw FieldFlaw(field: "knowledge_base_name", kind: .missing, message: "`knowledge_base_name` is missing.")
        }
        guard !KnowledgeName.isHostile(name) else {
            return ChatchatReply("Don't attack me", code: 403, data: []).response
        }
        let (documents, files): ([DocumentSummary], [String])
        do {
            (documents, files) = (try await desk.documents(in: name), try await desk.files(in: name))
        } catch let error as KnowledgeError where error.code == .notFound {
            return ChatchatReply("未找到知识库 \(name)", code: 404, data: []).response
        }
        let left = Set(files).subtracting(documents.map(\.document.name)).sorted()
        var list = documents.map { listed($0) } + left.map { Self.listed(file: $0, of: name) }
        for index in list.indices { list[index]["No"] = .integer(Int64(index + 1)) }
        return ChatchatReply(data: .array(list)).response
    }

    private func listed(_ document: DocumentSummary) -> JSON {
        [
            "kb_name": .string(document.document.base), "file_name": .string(document.document.name),
            "file_ext": .string(Self.suffix(document.document.name)),
            "file_version": .integer(Int64(document.document.version)),
            "document_loader": .string(document.type), "text_splitter": "ChineseRecursiveTextSplitter",
            "docs_count": .integer(Int64(document.chunks)), "custom_docs": .bool(isCustom(document)),
            "file_mtime": .number(document.added), "file_size": .integer(Int64(document.bytes)),
            "create_time": .string(Self.time(document.added)), "in_folder": true, "in_db": true,
        ]
    }

    /// A file whose document was deleted without it.
    private static func listed(file name: String, of base: String) -> JSON {
        [
            "kb_name": .string(base), "file_name": .string(name), "file_ext": .string(suffix(name)),
            "file_version": 0, "document_loader": "", "text_splitter": "", "docs_count": 0, "create_time": .null,
            "in_folder": true, "in_db": false,
        ]
    }

    private static func suffix(_ name: String) -> String { name.lastIndex(of: ".").map { String(name[$0...]) } ?? "" }

    /// Of metadata: a document whose chunks were given by hand.
    static let customKey = "custom_docs"

    func isCustom(_ document: DocumentSummary) -> Bool { document.metadata[Self.customKey] == .flag(true) }

    /// As its own database writes times: without a zone, in UTC.
    private static func time(_ seconds: Double) -> String {
        let format = Date.ISO8601FormatStyle().dateSeparator(.dash).year().month().day().dateTimeSeparator(.standard)
            .time(includingFractionalSeconds: false)
        return Date(timeIntervalSince1970: seconds).formatted(format)
    }
}
