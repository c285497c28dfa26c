import MartletBase
import Testing

@testable import MartletWorkers

@Suite("The APIs of an app as pipelines") struct AppPipelinesTests {
    private func apis(_ stages: [(name: String, then: String?)], streaming: String? = nil) -> [WorkerAPI] {
        stages.map { stage in
            var api = WorkerAPI(path: stage.name)
            api.then = stage.then
            api.isStream = stage.name == streaming
            return api
        }
    }

    private func names(_ apis: [WorkerAPI]) throws -> [[String]] {
        try AppPipelines(apis).all.map { $0.map(\.name) }
    }

    @Test("an API alone is one of one stage, the others follow their order")
    func order() throws {
        #expect(try names([]) == [])
        #expect(try names(apis([("/a", nil), ("/b", nil)])) == [["/a"], ["/b"]])
        let mixed = apis([("/3", nil), ("/2", "/3"), ("/a", nil), ("/1", "/2")], streaming: "/3")
        #expect(try names(mixed) == [["/a"], ["/1", "/2", "/3"]])
    }

    @Test(
        "what makes no sense is refused and says why",
        arguments: [
            ([("/a", "/b")], "/b, is not there"),
            ([("/a", "/a")], "/a is a stage after itself"),
            ([("/0", nil), ("/a", "/b"), ("/b", "/a")], "/a is a stage after itself"),
            ([("/a", "/c"), ("/b", "/c"), ("/c", nil)], "/c is a stage twice"),
            ([("/0", "/a"), ("/a", "/b"), ("/b", "/a")], "/a is a stage twice"),
            ([("/a", nil), ("/a", nil)], "two of its APIs have one name"),
            ([("/s", "/b"), ("/b", nil)], "/s streams, and only the last stage"),
        ] as [([(String, String?)], String)])
    func nonsense(stages: [(String, String?)], why: String) throws {
        let error = #expect(throws: MartletError.self) {
            try AppPipelines(apis(stages.map { (name: $0.0, then: $0.1) }, streaming: "/s"))
        }
        #expect(try #require(error).description.contains(why), "\(String(describing: error))")
    }
}
