import Foundation
import MartletTools
import Testing

/// `martlet serve` of a file, as its author meets it.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ServeTests {
    @Test func TheClassOfAFileIsServedAndItsURLIsPrinted() async throws {
        let source = """
            class Base(LitAPI):
                def setup(self, device):
                    self.factor = 2

            class Double(Base):
                def predict(self, x):
                    return self.factor * x["n"]
            """
        #expect(try await answers(of: source) == ["/predict": "14"])
    }

    @Test func EachPathOfAFileIsPrintedAndNoLaterStage() async throws {
        let source = """
            class Double(LitAPI):
                def predict(self, x):
                    return 2 * x["n"]

            class Last(LitAPI):
                def predict(self, n):
                    return n + 1

            server = LitServer([
                Double(), Double(api_path="/again"), Pipeline([Double(), Last()], "/steps"),
            ])
            if __name__ == "__main__":
                server.run(port=8000)
            """
        #expect(try await answers(of: source) == ["/predict": "14", "/again": "14", "/steps": "15"])
    }

    /// What each printed URL answers to `{"n": 7}`, by its path.
    private func answers(of source: String) async throws -> [String: String] {
        let app = try App(source)
        defer { app.remove() }
        let martlet = try await MartletProcess.start(
            nil, serving: app.file.path, arguments: ["--python", "/usr/bin/python3", "--threads", "2"],
            environment: Repository.withSDK)
        do {
            let urls = try await printed(martlet)
            var answers: [String: String] = [:]
            for url in urls {
                #expect(url.host() == "127.0.0.1" && url.port == martlet.publicPort, "\(url)")
                answers[url.path()] = try await martlet.predict(#"{"n": 7}"#, path: url.path()).expect(200).body
            }
            #expect(answers.count == urls.count, "\(urls)")
            await martlet.stop()
            return answers
        } catch {
            await martlet.stop()
            throw error
        }
    }

    /// The URLs below `ready`.
    private func printed(_ martlet: MartletProcess) async throws -> [URL] {
        var words: ArraySlice<Substring> = []
        try await until("it to be ready", within: .seconds(20), explain: { martlet.log() }) {
            let text = martlet.written(to: "out")
            words = text.split(whereSeparator: \.isWhitespace).drop { $0 != "ready" }.dropFirst()
            return !words.isEmpty && text.hasSuffix("\n")
        }
        return words.compactMap { URL(string: String($0)) }
    }
}
