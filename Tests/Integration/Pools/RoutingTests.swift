import MartletTools
import Testing

/// Which pool a request goes to.
@Suite(.serialized, .timeLimit(.minutes(1))) struct RoutingTests {
    /// A pool for each mock, `p0`, `p1`, …, and these top-level keys.
    private static func pools(_ mocks: [MockServer], _ more: String) -> String {
        let pools = mocks.enumerated().map { number, mock in
            "  p\(number): {targets: [{url: \(mock.url), max_fails: 0}], keepalive: {idle: 200ms}, health: \"off\"}\n"
        }
        return "pools:\n\(pools.joined())\(more)"
    }

    /// Which mock took the request that `ask` sends.
    private func taker(_ mocks: [MockServer], _ ask: () async throws -> Answer) async throws -> Int? {
        let before = mocks.map { $0.echoes + $0.chats }
        try await ask().expect(200)
        let gained = zip(mocks.map { $0.echoes + $0.chats }, before).map(-)
        return gained.reduce(0, +) == 1 ? gained.firstIndex(of: 1) : nil
    }

    @Test func LongestPrefixWins() async throws {
        let routes = """
            routes:
              - {path: /, pool: p0}
              - {path: /tools/, pool: p1}
              - {path: /tools/deep/, pool: p2}
            """
        try await withMartlet(mocks: 3, { Self.pools($0, routes) }) { martlet, mocks in
            for (path, pool) in [
                ("/", 0), ("/x", 0), ("/toolshed", 0), ("/tools/x", 1), ("/tools/deeper", 1), ("/tools/deep/x?q=/", 2),
                ("/x?/tools/", 0),
            ] {
                let taken = try await taker(mocks) { try await martlet.get(path) }
                #expect(taken == pool, "\(path)")
            }
        }
    }

    @Test func HostsAreTold() async throws {
        let routes = """
            routes:
              - {path: /, pool: p0}
              - {path: /, host: a.test, pool: p1}
              - {path: /, host: "*.b.test", pool: p2}
            """
        try await withMartlet(mocks: 3, { Self.pools($0, routes) }) { martlet, mocks in
            for (host, pool) in [
                ("other.test", 0), ("a.test", 1), ("A.Test:8080", 1), ("x.a.test", 0), ("x.b.test", 2),
                ("y.x.b.test", 2), ("b.test", 0),
            ] {
                let asked = try await taker(mocks) { try await martlet.get("/x", headers: ["Host: \(host)"]) }
                #expect(asked == pool, "\(host)")
            }
        }
    }

    @Test func PrefixIsStripped() async throws {
        let routes = """
            routes:
              - {path: /plain/, pool: p0}
              - {path: /all/, pool: p0, strip: true}
              - {path: /tools/quiet/, pool: p0, strip: /tools}
            """
        try await withMartlet(mocks: 1, { Self.pools($0, routes) }) { martlet, _ in
            for (path, sent) in [
                ("/plain/x", "/plain/x"), ("/all/x/y?z=1", "/x/y?z=1"), ("/all/", "/"),
                ("/tools/quiet/x", "/quiet/x"),
            ] {
                let answer = try await martlet.get(path).expect(200)
                #expect(answer.json["target"] as? String == sent)
            }
        }
    }

    @Test func PathWithoutRouteIs404() async throws {
        try await withMartlet(mocks: 1, { Self.pools($0, "routes:\n  - {path: /a/, pool: p0}\n") }) { martlet, mocks in
            try await martlet.get("/b/").expect(404, "not_found")
            try await martlet.post("/b/").expect(404, "not_found")
            #expect(mocks[0].stats.requests == 0)
        }
    }

    // MARK: Models

    @Test func ModelOfTheBodyPicksThePool() async throws {
        let models = """
            models:
              small: p0
              "large/v2": {pool: p1}
              "*": p2
            """
        try await withMartlet(mocks: 3, { Self.pools($0, models) }) { martlet, mocks in
            for (model, pool) in [("small", 0), ("large/v2", 1), ("other", 2)] {
                let taken = try await taker(mocks) { try await martlet.chat(model: model) }
                #expect(taken == pool, "\(model)")
            }
            let long = #"{"messages":[{"content":"\#(String(repeating: #"\"model\": "#, count: 50_000))"}],"#
            let asked = try await taker(mocks) {
                try await martlet.post("/v1/chat/completions", body: long + #""model":"large/v2"}"#)
            }
            #expect(asked == 1, "behind half a megabyte of messages")
            try await martlet.post("/v1/completions?x=1", body: #"{"model":"sm\u0061ll","prompt":"x"}"#).expect(200)
            #expect(mocks[0].stats.byPath["/v1/completions"] == 1, "an escaped name is the same name")
        }
    }

    @Test func UnknownModelIs404InOpenAIsShape() async throws {
        try await withMartlet(mocks: 1, { Self.pools($0, "models: {known: p0}\n") }) { martlet, mocks in
            let answer = try await martlet.chat(model: "unknown").expect(404, "model_not_found")
            let error = try #require(answer.json["error"] as? [String: Any])
            #expect(error["type"] as? String == "invalid_request_error")
            #expect(error["param"] as? String == "model")
            #expect((error["message"] as? String)?.contains("unknown") == true)
            #expect(answer.header("content-type")?.hasPrefix("application/json") == true)
            #expect(mocks[0].stats.requests == 0)
        }
    }

    @Test(arguments: [
        #"{"messages":[]}"#, #"{"model":"known","model":"other"}"#, #"{"mod\u0065l":"known","messages":[]}"#,
        #"{"model":7}"#, #"{"model":"known""#, "", "[]", #""known""#, #"{"model":"known"}}"#,
    ])
    func BodyThatNamesNoModelClearlyIs400(_ body: String) async throws {
        try await withMartlet(mocks: 1, { Self.pools($0, "models: {known: p0}\n") }) { martlet, mocks in
            try await martlet.post("/v1/chat/completions", body: body).expect(400, "invalid_body")
            #expect(mocks[0].stats.requests == 0)
        }
    }

    @Test func ModelListNamesWhatIsConfigured() async throws {
        let models = "models: {alpha: p0, beta: {pool: p0, as: real}}\n"
        try await withMartlet(mocks: 1, { Self.pools($0, models) }) { martlet, _ in
            let answer = try await martlet.get("/v1/models").expect(200)
            #expect(ids(answer) == ["alpha", "beta"])
            #expect(try await martlet.get("/v1/models/alpha").expect(200).json["id"] as? String == "alpha")
            try await martlet.get("/v1/models/gamma").expect(404, "model_not_found")
        }
    }

    @Test func ModelListMergesWhatTheUpstreamsOfTheWildcardList() async throws {
        try await withMartlet(mocks: 2, { Self.pools($0, "models: {alpha: p0, \"*\": p1}\n") }) { martlet, _ in
            let answer = try await martlet.get("/v1/models").expect(200)
            #expect(ids(answer) == ["alpha", "mock"])
        }
    }

    private func ids(_ answer: Answer) -> [String] {
        (answer.json["data"] as? [[String: Any]])?.compactMap { $0["id"] as? String } ?? []
    }

    @Test func ModelIsRenamedUpstream() async throws {
        try await withBackend({ _, _ in .ok("{}") }) { backend in
            let configuration = """
                pools:
                  p: {targets: [\(backend.url)], keepalive: {idle: 200ms}, health: "off"}
                models: {nick: {pool: p, as: 'Org/Real "Name"'}, same: p}
                """
            try await withMartlet(configuration) { martlet in
                let body = #"{"stream":false, "model" : "nick", "n":1}"#
                try await martlet.post("/v1/chat/completions", body: body).expect(200)
                try await martlet.chat(model: "same").expect(200)
                let requests = backend.requests
                #expect(requests.first?.body == #"{"stream":false, "model" : "Org/Real \"Name\"", "n":1}"#)
                #expect(requests.first?.values("content-length") == ["\(requests.first?.body.utf8.count ?? 0)"])
                #expect(requests.last?.body == MartletProcess.chatBody(model: "same"))
            }
        }
    }

    @Test func PoolsShareAModelByWeight() async throws {
        let models = "models: {m: {pools: {p0: 9, p1: 1}}}\n"
        try await withMartlet(mocks: 2, { Self.pools($0, models) }) { martlet, mocks in
            for _ in 0..<200 { try await martlet.chat().expect(200) }
            #expect((2...60).contains(mocks[1].chats), "\(mocks[1].chats) of 200 where 20 are due")
        }
    }

    @Test func FallbackPoolTakesOver() async throws {
        let models = "models: {m: {pool: p0, fallback: p1}}\n"
        try await withMartlet(mocks: 2, { Self.pools($0, models) }) { martlet, mocks in
            let first = try await taker(mocks) { try await martlet.chat() }
            #expect(first == 0)
            await mocks[0].stop()
            for _ in 0..<4 { try await martlet.chat().expect(200) }
            #expect(mocks[1].chats == 4)
        }
    }
}
