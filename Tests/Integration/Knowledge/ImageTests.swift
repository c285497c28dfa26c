import Foundation
import NIOCore
import Testing

/// Images as documents: a worker of a few lines reads their words.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ImageTests {
    /// Its images are a PNG's first bytes and their words.
    private static let source = """
        import base64
        from martlet import OpenAIEmbeddingSpec, OpenAISpec

        class Eyes(LitAPI):
            def predict(self, request):
                kind, _, image = request.messages[-1].content[1]["image_url"]["url"].partition(";base64,")
                note(kind)
                yield base64.b64decode(image)[8:].decode()

        class Vectors(LitAPI):
            def predict(self, texts):
                return [[float(len(text)), 1.0] for text in ([texts] if isinstance(texts, str) else texts)]

            def encode_response(self, output):
                return {"embeddings": output}

        server = LitServer([Eyes(spec=OpenAISpec(), api_path="/eyes"), Vectors(spec=OpenAIEmbeddingSpec())])
        """

    /// A form with an image whatever its name says, and a text.
    private static func form(_ words: String) -> (body: ByteBuffer, headers: [String]) {
        func part(_ name: String) -> String {
            "--mark\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\(name)\"\r\n\r\n"
        }
        var body = ByteBuffer(string: part("scan.txt"))
        body.writeBytes([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
        body.writeString(words + "\r\n" + part("plain.txt") + "plain words\r\n--mark--\r\n")
        let headers = ["Content-Type: multipart/form-data; boundary=mark", "Content-Length: \(body.readableBytes)"]
        return (body, headers)
    }

    /// What is told of an upload to a new base.
    private static func upload(_ words: String, to martlet: MartletProcess) async throws -> String {
        try await martlet.ask(
            "POST", "/knowledge", headers: ["Content-Type: application/json"], body: #"{"name": "scans"}"#
        ).expect(201)
        let (body, headers) = form(words)
        let client = try await martlet.peer()
        try await client.send(
            Client.request("POST", "/knowledge/scans/documents", headers: headers + ["Connection: close"]))
        try await client.send(body)
        let told = try await client.receive(.end).text
        await client.close()
        return told
    }

    private static func withKnowledge(_ ocr: String, _ body: (MartletProcess, App) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-images-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let knowledge = "knowledge: {store: \(folder.path), embedding: vectors\(ocr)}\n"
        try await withApp(source, more: knowledge, workers: 2, body: body)
    }

    @Test func AnImageIsFoundByTheWordsThatAWorkerReadsInIt() async throws {
        try await Self.withKnowledge(", ocr: /eyes") { martlet, app in
            #expect(try await Self.upload("第五条 年假五天", to: martlet).contains("scan.txt"))
            #expect(app.notes == ["data:image/png"], "the content says what it is, and one image is asked about once")
            let found = try await martlet.ask(
                "POST", "/knowledge/scans/search", headers: ["Content-Type: application/json"],
                body: #"{"query": "年假", "limit": 1}"#)
            #expect(found.expect(200).body.contains("第五条 年假五天"))
        }
    }

    @Test func AnImageThatNobodyReadsIsOneErrorThatNamesItAndTheRestGoesOn() async throws {
        try await Self.withKnowledge("") { martlet, _ in
            let told = try await Self.upload("年假", to: martlet)
            #expect(told.contains("scan.txt cannot be read: it is an image"))
            let listed = try await martlet.get("/knowledge/scans/documents").expect(200).body
            #expect(listed.contains("plain.txt") && !listed.contains("scan.txt"))
        }
    }
}
