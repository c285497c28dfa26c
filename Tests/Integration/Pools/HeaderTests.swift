import MartletTools
import Testing

/// What a request looks like when it arrives upstream.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HeaderTests {
    private static func one(_ backend: ScriptedBackend, keys: String = "", more: String = "") -> String {
        onePool(["{url: \(backend.url)\(keys.isEmpty ? "" : ", " + keys)}"], more: more)
    }

    private func fine(_ body: (ScriptedBackend) async throws -> Void) async throws {
        let answer = "HTTP/1.1 200 OK\r\nServer: x\r\nX-Old: 1\r\nContent-Length: 2\r\n\r\nok"
        try await withBackend({ _, _ in .bytes(answer) }, body: body)
    }

    @Test func HeadersAreSetAddedAndRemoved() async throws {
        try await fine { backend in
            let routes = """
                routes:
                  - path: /
                    pool: main
                    headers: {remove: [cookie], set: {x-team: route, x-both: route}, add: {x-tag: route}}
                    response_headers: {remove: [server], set: {x-old: "2"}, add: {x-new: "3"}}
                """
            let keys = "headers: {remove: [x-secret], set: {x-both: target}, add: {x-tag: target}}"
            try await withMartlet(Self.one(backend, keys: keys, more: routes)) { martlet in
                let answer = try await martlet.get(headers: [
                    "Cookie: c=1", "cookie: d=2", "X-Team: mine", "X-Tag: mine", "X-Secret: s", "X-Kept: k",
                ])
                answer.expect(200)
                #expect(answer.header("server") == nil)
                #expect(answer.header("x-old") == "2")
                #expect(answer.header("x-new") == "3")
                let request = try #require(backend.requests.first)
                #expect(request.values("cookie") == [])
                #expect(request.values("x-secret") == [])
                #expect(request.values("x-team") == ["route"])
                #expect(request.values("x-both") == ["target"])
                #expect(request.values("x-tag").sorted() == ["mine", "route", "target"])
                #expect(request.values("x-kept") == ["k"])
            }
        }
    }

    @Test func APIKeyReplacesTheClients() async throws {
        try await fine { backend in
            let configuration = Self.one(backend, keys: "api_key: ${TEST_KEY}")
            try await withMartlet(configuration, environment: ["TEST_KEY": "upstream-key"]) { martlet in
                try await martlet.get(headers: ["Authorization: Bearer client-key"]).expect(200)
                try await martlet.get().expect(200)
                let sent = backend.requests.map { $0.values("authorization") }
                #expect(sent == [["Bearer upstream-key"], ["Bearer upstream-key"]])
                #expect(!backend.requests.contains { $0.text.contains("client-key") })
                let status = try await Client.ask("GET", "/status", port: martlet.consolePort).body
                #expect(!(martlet.log() + status).contains("upstream-key"))
            }
        }
    }

    @Test func APIKeyDoesNotLeakToTheNextTarget() async throws {
        try await withBackend({ _, _ in .reset }) { first in
            try await fine { second in
                let configuration = onePool([
                    "{url: \(first.url), api_key: first-key, max_fails: 0, headers: {set: {x-mine: first}}}",
                    "{url: \(second.url), backup: true}",
                ])
                try await withMartlet(configuration) { martlet in
                    try await martlet.get().expect(200)
                    #expect(first.requests.map { $0.values("authorization") } == [["Bearer first-key"]])
                    let request = try #require(second.requests.first)
                    #expect(!request.text.contains("first"))
                    #expect(request.values("authorization") == [])
                }
            }
        }
    }

    @Test func HostIsTheTargetsTheClientsOrAName() async throws {
        try await fine { backend in
            let routes = """
                pools:
                  target: {targets: [{url: \(backend.url)}], keepalive: {idle: 200ms}, health: "off"}
                  kept: {targets: [{url: \(backend.url), host: preserve}], keepalive: {idle: 200ms}, health: "off"}
                  named: {targets: [{url: \(backend.url), host: vhost.test}], keepalive: {idle: 200ms}, health: "off"}
                routes:
                  - {path: /target/, pool: target}
                  - {path: /kept/, pool: kept}
                  - {path: /named/, pool: named}
                  - {path: /route/, pool: named, host_header: preserve}
                """
            try await withMartlet(routes) { martlet in
                for path in ["target", "kept", "named", "route"] {
                    try await martlet.get("/\(path)/x", headers: ["Host: asked.test"]).expect(200)
                }
                #expect(
                    backend.requests.map { $0.values("host") } == [
                        ["127.0.0.1:\(backend.port)"], ["asked.test"], ["vhost.test"], ["asked.test"],
                    ])
            }
        }
    }

    @Test func ForwardedHeadersOfStrangersAreDropped() async throws {
        try await fine { backend in
            try await withMartlet(Self.one(backend)) { martlet in
                let headers = [
                    "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Real-IP: 6.6.6.6",
                    "X-Request-Id: forged",
                ]
                try await martlet.get(headers: headers).expect(200)
                let request = try #require(backend.requests.first)
                #expect(request.values("x-forwarded-for") == ["127.0.0.1"])
                #expect(request.values("x-forwarded-proto") == ["http"])
                #expect(request.values("x-real-ip") == ["127.0.0.1"])
                #expect(request.values("x-request-id").count == 1)
                #expect(request.values("x-request-id") != ["forged"])
            }
        }
    }

    @Test func ForwardedHeadersOfTrustedProxiesAreKept() async throws {
        try await fine { backend in
            let configuration = Self.one(backend, more: "trusted_proxies: [127.0.0.2/32]\n")
            try await withMartlet(configuration) { martlet in
                let headers = [
                    "X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https", "X-Request-Id: from-the-proxy",
                ]
                try await martlet.get(headers: headers, from: "127.0.0.2").expect(200)
                try await martlet.get(headers: headers, from: "127.0.0.3").expect(200)
                let requests = backend.requests
                #expect(requests[0].values("x-forwarded-for") == ["9.9.9.9, 127.0.0.2"])
                #expect(requests[0].values("x-forwarded-proto") == ["https"])
                #expect(requests[0].values("x-real-ip") == ["9.9.9.9"])
                #expect(requests[0].values("x-request-id") == ["from-the-proxy"])
                #expect(requests[1].values("x-forwarded-for") == ["127.0.0.3"])
                #expect(requests[1].values("x-request-id") != ["from-the-proxy"])
            }
        }
    }

    @Test func RequestIDsAreTheirOwnAndTheClientIsTold() async throws {
        try await fine { backend in
            try await withMartlet(Self.one(backend)) { martlet in
                var told: [String] = []
                for _ in 0..<3 { told.append(try await martlet.get().header("x-request-id") ?? "") }
                #expect(Set(told).count == 3)
                #expect(backend.requests.flatMap { $0.values("x-request-id") } == told)
            }
        }
    }

    @Test func HopByHopFieldsStayOnTheirHop() async throws {
        try await fine { backend in
            try await withMartlet(Self.one(backend)) { martlet in
                let client = try await martlet.connect()
                let headers = [
                    "Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5", "TE: trailers", "X-End: 1",
                ]
                try await client.send(Client.request("GET", "/x", headers: headers))
                try await client.answer().expect(200)
                await client.close()
                let request = try #require(backend.requests.first)
                for name in ["x-hop", "keep-alive", "te"] { #expect(request.values(name) == [], "\(name)") }
                #expect(request.values("x-end") == ["1"])
            }
        }
    }

    @Test func ModelRoutesAskForIdentityEncoding() async throws {
        try await fine { backend in
            try await withMartlet(Self.one(backend)) { martlet in
                try await martlet.chat(headers: ["Accept-Encoding: gzip, br"]).expect(200)
                try await martlet.get("/x", headers: ["Accept-Encoding: gzip"]).expect(200)
                #expect(backend.requests.map { $0.values("accept-encoding") } == [["identity"], ["gzip"]])
            }
        }
    }
}
