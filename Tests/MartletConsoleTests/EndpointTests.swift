import Foundation
import Logging
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletTesting
import MartletWire
import MartletWorkers
import NIOCore
import NIOPosix
import Testing

@Suite("Console")
struct EndpointTests {
    private let pool: Pool
    private let resolver = NameResolver()
    private let membership: Membership
    private let desk: Desk

    init() throws {
        // Far from the numbers that the membership gives.
        pool = try .fake("chat", first: 200, count: 1, now: .current)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let loops = LoopTable(group: .singletonMultiThreadedEventLoopGroup, contexts: [])
        let labels = LabelRegistry()
        let backends = BackendService(
            [], on: loops.group.next(), logger: logger, now: { .current }, probe: { _, _, _, _ in false },
            announce: { _ in })
        membership = Membership(resolver: resolver, labels: labels, loops: loops, logger: logger)
        desk = Desk(
            pools: [pool], loops: loops, labels: labels, membership: membership,
            backends: backends, budget: BufferBudget(limit: 1000), accessLog: nil)
    }

    private func request(
        _ method: MartletWire.Method, _ body: String = "", _ fields: [(String, String)] = [("Host", "localhost:9180")]
    ) -> LocalRequest {
        var headers = HeaderBlock()
        for (name, value) in fields { headers.append(name, value) }
        return LocalRequest(
            method: method, path: "/", query: "", headers: headers, body: ByteBuffer(string: body),
            clientAddress: "127.0.0.1")
    }

    private func targets(
        _ action: String, _ url: String, pool: String = "chat", version: String? = nil
    ) async -> (Int, String) {
        let label = version.map { #","version":"\#($0)""# } ?? ""
        return await post(#"{"action":"\#(action)","pool":"\#(pool)","url":"\#(url)"\#(label)}"#)
    }

    private func post(
        _ body: String, _ fields: [(String, String)] = [("Content-Type", "application/json")]
    ) async -> (Int, String) {
        do {
            let answer = try await TargetsEndpoint(desk).handle(request(.post, body, fields))
            return (answer.status, String(buffer: answer.body))
        } catch let error as MartletError {
            return (error.code.status, error.cause)
        } catch {
            return (0, "\(error)")
        }
    }

    @Test("targets are added, drained and removed by command")
    func targetCommands() async {
        #expect(await targets("add", "http://10.0.0.7:8000").0 == 200)
        #expect(pool.targets.count == 2)
        #expect(await targets("drain", "http://10.0.0.7:8000").1 == #"{"result":"empty"}"#)
        #expect(pool.status(now: .current).targets.contains { $0.state == .down(.draining) })
        #expect(await targets("remove", "http://10.0.0.7:8000").0 == 200)
        #expect(pool.targets.count == 1)
        #expect(await targets("remove", "http://10.0.0.7:8000").0 == 404)
        resolver.shutdown()
    }

    @Test("a target that is added carries the version that the command gives, never its neighbour's")
    func version() async throws {
        func label(_ host: String) -> String? { pool.targets.first { $0.origin.host == host }?.version }
        let origin = Origin(host: "10.0.0.1", port: 8000)
        await membership.add(TargetSpec(origin: origin, authority: nil, version: "v1"), to: pool)
        #expect(await targets("add", "http://10.0.0.7:8000").0 == 200)
        #expect(label("10.0.0.7") == "")
        #expect(await targets("add", "http://10.0.0.8:8000", version: "v2").0 == 200)
        #expect(label("10.0.0.8") == "v2")
        #expect(await targets("add", "http://10.0.0.8:8000").0 == 200, "it is there, whatever its version")
        #expect(await targets("add", "http://10.0.0.8:8000", version: "v3").0 == 400)
        #expect(label("10.0.0.8") == "v2")
        resolver.shutdown()
    }

    @Test("a command that makes no sense says what is wrong, and changes nothing")
    func badCommands() async {
        let bad = await targets("add", "10.0.0.7:8000")
        #expect(bad.0 == 400)
        #expect(bad.1 == #""10.0.0.7:8000" is not a usable URL: it has to begin with http:// or https://"#)
        #expect(await targets("add", "http://10.0.0.7", pool: "other").0 == 404)
        #expect(await targets("explode", "http://10.0.0.7").0 == 400)
        for body in ["", "{}", "[]", "{\"action\":1}", String(repeating: "[", count: 10_000)] {
            #expect(await post(body).0 == 400)
        }
        #expect(pool.targets.count == 1)
        resolver.shutdown()
    }

    @Test("a command whose bytes were changed at random is refused, or is one that names this pool", arguments: 0..<4)
    func anyCommand(_ seed: UInt64) async {
        let valid = Array(#"{"action":"drain","pool":"chat","url":"http://192.0.2.9:8000","version":"\u0041"}"#.utf8)
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(Array("\"\\{}[],:u0\0".utf8).randomElement(using: &random) ?? 0, at: place)
                case 2: bytes.remove(at: place)
                default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 20)], at: place)
                }
            }
            let answer = await post(String(decoding: bytes, as: UTF8.self))
            #expect([200, 202, 400, 404].contains(answer.0), "\(answer)")
            #expect(!answer.1.isEmpty)
        }
        #expect(pool.targets.count == 1)
        resolver.shutdown()
    }

    @Test("a web page cannot send commands")
    func webPage() async {
        let body = #"{"action":"remove","pool":"chat","url":"http://192.0.2.200:8000"}"#
        #expect(await post(body, [("Content-Type", "text/plain")]).0 == 400)
        #expect(await post(body, [("Content-Type", "application/json"), ("Origin", "http://evil.example")]).0 == 400)
        #expect(pool.targets.count == 1)
        resolver.shutdown()
    }

    @Test("the status is JSON that names pools and targets")
    func status() async throws {
        let answer = try await StatusEndpoint(desk).handle(request(.get))
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body.readableBytesView)) as? [String: Any])
        let pools = try #require(report["pools"] as? [[String: Any]])
        #expect(pools.first?["name"] as? String == "chat")
        let targets = try #require(pools.first?["targets"] as? [[String: Any]])
        #expect(targets.first?["url"] as? String == "http://192.0.2.200:8000")
        #expect(targets.first?["state"] as? String == "up")
        #expect((report["buffered"] as? [String: Any])?["limit"] as? Int == 1000)
        resolver.shutdown()
    }

    @Test("the metrics name the pool's targets")
    func metrics() async throws {
        let answer = try await MetricsEndpoint(desk).handle(request(.get))
        #expect(answer.status == 200)
        #expect(String(buffer: answer.body).contains(#"pool="chat""#))
        resolver.shutdown()
    }

    @Test("a token, where one is set, is asked for", arguments: [
        ("Bearer secret", true), ("Bearer secre", false), ("Bearer secrets", false), ("bearer secret", false),
        ("", false),
    ])
    func token(given: String, isLetIn: Bool) async throws {
        let guarded = Guarded(StatusEndpoint(desk), token: Secret("secret"))
        let request = request(.get, "", given.isEmpty ? [] : [("Authorization", given)])
        if isLetIn {
            #expect(try await guarded.handle(request).status == 200)
        } else {
            let error = await #expect(throws: MartletError.self) { try await guarded.handle(request) }
            #expect(error?.code == .unauthorized)
        }
        resolver.shutdown()
    }

    @Test("health says whether a pool can serve")
    func health() async throws {
        let endpoints: [any LocalHandler] = [
            HealthzEndpoint(pools: [pool]), ReadyzEndpoint(pools: [pool], readiness: Readiness()),
        ]
        for endpoint in endpoints {
            #expect(String(buffer: try await endpoint.handle(request(.get)).body) == #"{"status":"ok"}"#)
        }
        _ = pool.remove(TargetID(200), now: .current)
        let statuses = try await [endpoints[0].handle(request(.get)).status, endpoints[1].handle(request(.get)).status]
        #expect(statuses == [500, 503])
        resolver.shutdown()
    }
}
