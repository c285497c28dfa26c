import MartletBase
import MartletConsole
import MartletExchange
import MartletKnowledge
import MartletNet
import MartletWire
import NIOCore

/// How Langchain-Chatchat's routes answer.
package struct ChatchatSettings: Sendable {
    package enum Form: String, Sendable {
        /// As its clients were written for: no end of a stream, no sources where nothing streams, JSON in JSON.
        case chatchat
        /// The same with what OpenAI's clients read: the role in its place, a finish reason, `[DONE]`, sources always.
        case fixed
    }

    package var form = Form.fixed
    /// Where clients reach this server, for links to documents; nil: where the request says it came.
    package var publicURL: String?
    /// Embeddings by their names in the configuration: a base is made with the one that is asked for where it is one of
    /// these. Chatchat's client always names its own default.
    package var embeddings: Set<String> = []

    package init() {}
}

/// Langchain-Chatchat 0.3's routes: `/knowledge_base/…`, `/chat/…`, `/server/…` and `/tools`.
///
/// Requests, answers and their codes are its own: HTTP 200 with `{code, msg, data}` whatever happened, 422 for a body
/// that is not as it must be.
final class ChatchatEndpoint: UploadHandler {
    /// Those that end in a slash stand for all below them.
    static let paths = [
        "/knowledge_base/", "/chat/kb_chat", "/chat/file_chat", "/chat/feedback", "/server/configs",
        "/server/get_prompt_template", "/tools", "/tools/call",
    ]

    let desk: any KnowledgeDesk
    let spool: UploadSpool
    let settings: ChatchatSettings
    let temporary: TemporaryBases

    init(_ desk: any KnowledgeDesk, spool: UploadSpool, settings: ChatchatSettings, temporary: TemporaryBases) {
        (self.desk, self.spool, self.settings, self.temporary) = (desk, spool, settings, temporary)
    }

    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
        do {
            return try await answer(request, body)
        } catch let flaw as FieldFlaw {
            return ChatchatReply.invalid(flaw)
        } catch let error as MartletError {
            let text = error.code == .notFound ? "Not Found" : error.cause
            var response = LocalResponse.detail(text, status: error.code.status)
            response.headers = error.headers
            return response
        } catch {
            guard let known = KnowledgeError(of: error) else { throw error }
            return ChatchatReply(known).response
        }
    }

    private func answer(_ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        switch request.path {
        case "/knowledge_base/list_knowledge_bases": return try await listBases(request)
        case "/knowledge_base/list_files": return try await listFiles(request)
        case "/knowledge_base/download_doc": return try await download(request)
        case "/tools" where request.method != .post:
            try request.must(be: .get)
            return ChatchatReply(data: Self.tools).response
        default: break
        }
        try request.must(be: .post)
        switch request.path {
        case "/knowledge_base/delete_knowledge_base": return try await deleteBase(body)
        case "/knowledge_base/upload_docs": return try await upload(request, body)
        case "/knowledge_base/upload_temp_docs": return try await uploadTemporary(request, body)
        default: break
        }
        let fields = try await RequestFields(body)
        switch request.path {
        case "/knowledge_base/create_knowledge_base": return try await createBase(fields)
        case "/knowledge_base/update_info": return try await describeBase(fields)
        case "/knowledge_base/update_docs": return try await update(fields)
        case "/knowledge_base/delete_docs": return try await delete(fields)
        case "/knowledge_base/search_docs": return try await search(fields)
        case "/knowledge_base/search_temp_docs": return try await searchTemporary(fields)
        case "/knowledge_base/recreate_vector_store": return try recreate(fields)
        case "/chat/kb_chat": return try await chat(ChatchatQuestion(fields), request)
        case "/chat/file_chat": return try await chatWithFiles(fields)
        case "/chat/feedback":
            return ChatchatReply("已反馈聊天记录 \(try fields.text("message_id") ?? "")").response
        case "/server/configs": return .json(JSON.object(["api_address": .string(address(request))]).text)
        case "/server/get_prompt_template":
            // Prompts are Martlet's own: a client that shows one is told that there is none by this name.
            return ChatchatReply("error", code: 500, data: "Prompt template not found").response
        case "/tools/call": return try await callTool(fields)
        default: return try await chatCompletion(fields, request)
        }
    }

    /// `/knowledge_base/{mode}/{name}/chat/completions`
    private func chatCompletion(_ fields: RequestFields, _ request: LocalRequest) async throws -> LocalResponse {
        let parts = try request.parts(after: "/knowledge_base/")
        guard parts.count == 4, parts[2] == "chat", parts[3] == "completions" else { throw MartletError(.notFound) }
        let asked = try ChatchatQuestion(completion: fields, mode: parts[0], base: parts[1])
        do {
            return try await chat(asked, request)
        } catch let error as KnowledgeError where settings.form == .fixed {
            return error.response(.openAI)
        }
    }

    // MARK: What several routes need

    /// Where clients reach this server.
    func address(_ request: LocalRequest) -> String {
        if let address = settings.publicURL { return address.hasSuffix("/") ? String(address.dropLast()) : address }
        let scheme = request.headers.value(.xForwardedProto) == "https" ? "https" : "http"
        return "\(scheme)://\(request.headers.value(.host) ?? "127.0.0.1")"
    }

    /// - Throws: Chatchat's answer where there is no such base.
    func base(_ name: String) async throws -> BaseSummary {
        do {
            return try await desk.base(name)
        } catch let error as KnowledgeError where error.code == .notFound {
            throw KnowledgeError(.notFound, "未找到知识库 \(name)")
        }
    }
}
