import Logging
import MartletExchange
import MartletGateway
import MartletKnowledge
import MartletLogic
import MartletWire
import NIOPosix
import Synchronization
import Testing

@testable import Martlet

@Suite("The question chain, for LangServe's clients")
struct KnowledgeChainTests {
    private static func call(_ desk: FakeDesk) -> Calling {
        let loops = LoopTable(group: MultiThreadedEventLoopGroup.singleton, contexts: [])
        return Calling(
            handler: ChainEndpoint(
                KnowledgeChain(desk), path: KnowledgeChain.path, configKeys: ["configurable"],
                dispatch: Dispatch(loops, RoutesInForce()), logger: Logger(label: "test")))
    }

    private static func desk(_ script: [AnswerEvent]? = nil, failure: KnowledgeError? = nil) async throws -> FakeDesk {
        let desk = FakeDesk(script: script, failure: failure)
        for base in ["hr", "it"] { try await desk.create(BaseSettings(name: base)) }
        return desk
    }

    private static let path = KnowledgeChain.path + "/"

    @Test("An invocation has the answer with its sources and citations, and asks what it was told to")
    func invoked() async throws {
        let checked = CheckedSentence(range: 0..<2, citations: [.init(source: 1, range: 0..<2)])
        let desk = try await Self.desk([.reasoning("想"), .text("十"), .text("天"), .citations([checked])])
        let input = #"""
            {"input": {"question": "年假", "bases": ["hr", "it"], "limit": 5, "session": null, "history":
            [{"type": "human", "content": "你好"}, {"role": "assistant", "content": "在"}, ["human", "问"]]}}
            """#
        let answer = try await Self.call(desk)(.post, Self.path + "invoke", input)
        #expect(answer.status == 200, "\(answer.body)")
        let output = answer.json?["output"]
        #expect(output?["answer"] == "十天" && output?["reasoning"] == "想" && output?["sources"] == [])
        #expect(output?["citations"]?.text.contains(#""source":1"#) == true)
        #expect(output?["end"]?["kind"] == "answered")
        let asked = desk.state.withLock { $0.questions }
        #expect(asked.map(\.bases) == [["hr", "it"]] && asked.map(\.limit) == [5])
        #expect(asked.first?.history == [.init(.user, "你好"), .init(.assistant, "在"), .init(.user, "问")])
    }

    @Test("A stream is the text, piece by piece; a batch is asked in its order")
    func streamed() async throws {
        let desk = try await Self.desk([.reasoning("想"), .text("十"), .text("天")])
        let call = Self.call(desk)
        let streamed = try await call(.post, Self.path + "stream", #"{"input": {"question": "年假", "base": "hr"}}"#)
        #expect(streamed.events.filter { $0.name == "data" }.map(\.data) == [#""十""#, #""天""#])
        #expect(streamed.events.last?.name == "end")
        let batch = try await call(
            .post, Self.path + "batch",
            #"{"inputs": [{"question": "a", "base": "hr"}, {"question": "b", "base": "it"}]}"#)
        guard case .array(let outputs)? = batch.json?["output"] else { return #expect(Bool(false), "\(batch.body)") }
        #expect(outputs.map { $0["answer"] } == ["十天", "十天"])
    }

    @Test("What is wrong with an input is a 422 that names it, and what the room says has its status")
    func refused() async throws {
        let call = Self.call(try await Self.desk())
        let nowhere = try await call(.post, Self.path + "invoke", #"{"input": {"question": "年假"}}"#)
        #expect(nowhere.status == 422)
        #expect(nowhere.body.contains(#""loc":["bases"]"#))
        #expect(try await call(.post, Self.path + "invoke", #"{"input": {"base": "hr"}}"#).status == 422)
        let unknown = try await call(.post, Self.path + "invoke", #"{"input": {"question": "年假", "base": "no"}}"#)
        #expect(unknown.status == 404)
        #expect(unknown.json?["detail"] == "There is no `no`.")
        let busy = Self.call(try await Self.desk(failure: KnowledgeError(.overloaded, "Later.")))
        let later = try await busy(.post, Self.path + "invoke", #"{"input": {"question": "年假", "base": "hr"}}"#)
        #expect(later.status == 503 && later.headers.contains { $0.name == "Retry-After" })
    }
}
