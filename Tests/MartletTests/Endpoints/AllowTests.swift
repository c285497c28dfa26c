import Logging
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletWire
import NIOPosix
import Testing

@testable import Martlet

@Suite("A method that is not taken: 405, and `Allow` says which are")
struct AllowTests {
    private let inside: Inside

    init() throws { inside = try Inside() }

    /// Status and `Allow`, as a client gets them.
    private func answer(_ handler: any LocalHandler, _ method: MartletWire.Method, _ path: String) async -> String {
        do {
            let response = try await handler.handle(.fake(method, path, "{}", [("Content-Type", "application/json")]))
            let allow = response.headers.first { $0.name == "Allow" }
            return "\(response.status) \(allow?.value ?? "")"
        } catch let error as MartletError {
            return "\(error.code.status) \(error.headers.map { "\($0.value)" }.joined())"
        } catch {
            return "\(error)"
        }
    }

    @Test func whatOnlyShowsSomethingTakesGETAndHEAD() async throws {
        let shown: [any LocalHandler] = [
            AppHealthEndpoint(pools: []), AppTextEndpoint(index: "x"), HealthzEndpoint(pools: []),
            ReadyzEndpoint(pools: [], readiness: Readiness()),
        ]
        for handler in shown {
            for method in [MartletWire.Method.post, .delete, .other] {
                #expect(await answer(handler, method, "/") == "405 GET, HEAD")
            }
            #expect(await answer(handler, .head, "/") == "200 ")
        }
        let inference = InferenceEndpoint([try inside.model()], caller: inside.caller)
        #expect(await answer(inference, .post, "/v2/models/double") == "405 GET, HEAD")
        #expect(await answer(inference, .head, "/v2/models/double") == "200 ")
    }

    @Test func whatDoesSomethingTakesPOST() async throws {
        let chain = Chain("/c", Lambda("one") { (x: Int) in x }).served
        let (loops, logger) = (MultiThreadedEventLoopGroup.singleton, Logger(label: "test"))
        let surroundings = ServedEndpoint.Surroundings(
            dispatch: Dispatch(LoopTable(group: loops, contexts: []), RoutesInForce()), logger: logger,
            clock: loops.next())
        let cases: [(any LocalHandler, String)] = [
            (inside.doubling, "/double"), (AppShutdownEndpoint(key: nil) {}, "/shutdown"),
            (ReloadEndpoint { .unchanged }, "/reload"), (try await chain.make(surroundings), "/c/invoke"),
            (InferenceEndpoint([try inside.model()], caller: inside.caller), "/v2/models/double/infer"),
            (MCPEndpoint([], caller: inside.caller, logger: logger), "/mcp"),
        ]
        for (handler, path) in cases {
            for method in [MartletWire.Method.get, .put] {
                #expect(await answer(handler, method, path) == "405 POST", "\(path)")
            }
        }
    }

    @Test func whatIsRefusedBeforeAnythingIsFoundSaysWhatAnyPathTakes() {
        let error = MartletError(WireError(.methodNotAllowed, "CONNECT is not served"))
        #expect(error.allowed == ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
        #expect(MartletError(WireError(.badRequest, "no")).allowed.isEmpty)
    }
}
