import Foundation
import MartletTools
import Testing

/// What the gateway answers itself, and what it writes down.
@Suite(.serialized, .timeLimit(.minutes(1))) struct FrontDeskTests {
    @Test func BodyBeyondTheLimitIs413() async throws {
        let more = """
            limits: {body: 64KiB}
            routes:
              - {path: /, pool: main}
              - {path: /small/, pool: main, body: 1KiB}
              - {path: /v1/}
            """
        try await withMartlet(mocks: 1, { onePool($0.targets(), more: more) }) { martlet, mocks in
            let body = { String(repeating: "x", count: $0) }
            try await martlet.post("/x", body: body(65_536)).expect(200)
            try await martlet.post("/small/x", body: body(1024)).expect(200)
            #expect(mocks[0].echoes == 2)
            try await martlet.post("/x", body: body(65_537)).expect(413, "body_too_large")
            try await martlet.post("/small/x", body: body(1025)).expect(413, "body_too_large")
            try await martlet.post("/v1/chat/completions", body: body(65_537)).expect(413, "body_too_large")
            #expect(mocks[0].stats.requests == 2)
            let client = try await martlet.connect()
            let head = Client.request("POST", "/small/x", headers: ["Transfer-Encoding: chunked"])
            try await client.send(head + "800\r\n\(body(2048))\r\n0\r\n\r\n")
            try await client.answer(to: "POST").expect(413, "body_too_large")
            await client.close()
            try await until("the target's share of it to be gone") { mocks[0].stats.active == 0 }
        }
    }

    @Test func HealthzTellsWhetherAnyPoolServesAndReadyzWhetherAllDo() async throws {
        let configuration = { (mocks: [MockServer]) in
            let checks = "keepalive: {idle: 200ms}, health: {interval: 1s, unhealthy: 1, timeout: 500ms}"
            return """
                pools:
                  a: {targets: [\(mocks[0].url)], \(checks)}
                  b: {targets: [\(mocks[1].url)], \(checks)}
                routes:
                  - {path: /a/, pool: a}
                  - {path: /b/, pool: b}
                """
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            #expect(try await martlet.get("/healthz").expect(200).body == #"{"status":"ok"}"#)
            try await martlet.get("/readyz").expect(200)
            await mocks[1].stop()
            try await until("one pool to be lost") { try await martlet.get("/readyz").status == 503 }
            #expect(try await martlet.get("/readyz").body.contains(#""b""#), "it names the pool")
            try await martlet.get("/healthz").expect(200)
            await mocks[0].stop()
            try await until("every pool to be lost") { try await martlet.get("/healthz").status != 200 }
            #expect(try await martlet.get("/healthz").body == #"{"status":"fail"}"#)
        }
    }

    @Test func WithoutModelsTheListOfModelsIsEmpty() async throws {
        try await withMartlet(nil) { martlet in
            let answer = try await martlet.get("/v1/models").expect(200)
            #expect(answer.body == #"{"object":"list","data":[]}"#)
            let date = try #require(answer.header("date"))
            #expect(date.hasSuffix(" GMT") && date.count == 29)
            try await martlet.get("/nowhere").expect(404, "not_found")
        }
    }

    @Test(arguments: ["--listen", "--console"])
    func PortInUseIsNamedWithWhatToDo(option: String) async throws {
        try await withMartlet(nil) { martlet in
            let address = "127.0.0.1:\(martlet.publicPort)"
            let other = option == "--listen" ? "--console" : "--listen"
            let run = try await CommandRun.martlet(
                "up", "--upstream", "http://127.0.0.1:1", option, address, other, "127.0.0.1:0")
            #expect(run.status != 0)
            let key = option == "--listen" ? "listen" : "console.address"
            #expect(run.output.contains("\(key): \(address) is in use: "))
            #expect(run.output.contains(option))
            #expect(!run.output.contains("internal_error"))
        }
    }

    @Test func EverySeriesIsThere() async throws {
        let configuration = { (mocks: [MockServer]) in onePool(mocks.targets("version: v7"), "health: {interval: 1s}") }
        try await withMartlet(mocks: 1, configuration) { martlet, mocks in
            try await martlet.get().expect(200)
            try await martlet.chat().expect(200)
            try await martlet.chat(stream: true, headers: ["x-mock-tokens: 5", "x-mock-interval: 1ms"]).expect(200)
            let metrics = try await martlet.metrics()
            let target = ["pool": "main", "target": mocks[0].url]
            let answered = target.merging(["version": "v7", "status": "200"]) { $1 }
            #expect(metrics.sum("martlet_requests_total", answered) == 3)
            #expect(metrics.sum("martlet_requests_total", ["route": "/v1/", "outcome": "completed"]) == 2)
            #expect(metrics.sum("martlet_upstream_attempts_total", target) == 3)
            #expect(metrics.sum("martlet_request_duration_seconds_count", target) == 3)
            #expect(metrics.sum("martlet_time_to_first_byte_seconds_count", target) == 3)
            #expect(metrics.sum("martlet_inter_event_seconds_count", target) >= 4)
            #expect(metrics.sum("martlet_tokens_total", ["pool": "main", "type": "output"]) == 16 + 5)
            #expect(metrics.sum("martlet_tokens_total", ["pool": "main", "type": "input"]) == 16)
            #expect(metrics.sum("gen_ai_client_token_usage_count", ["gen_ai_token_type": "output"]) == 2)
            #expect(metrics.sum("martlet_target_up", target) == 1)
            for series in [
                "martlet_in_flight", "martlet_queue_length", "martlet_breaker_state", "martlet_connections",
                "martlet_fds", "martlet_buffered_bytes", "martlet_build_info", "process_cpu_seconds_total",
                "process_resident_memory_bytes", "process_start_time_seconds", "process_open_fds", "process_max_fds",
                "martlet_connect_seconds_count",
            ] { #expect(metrics.has(series), "\(series)") }
        }
    }

    @Test func AccessLogHasALineForEachRequestButNotForHealthChecks() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets("version: v7"), "health: {interval: 1s}", more: "access_log: \"{dir}/access\"\n")
        }
        try await withMartlet(mocks: 1, configuration) { martlet, mocks in
            try await martlet.get("/healthz").expect(200)
            try await martlet.get("/readyz").expect(200)
            let asked = try await martlet.get(
                "/with/query?secret=1", headers: ["Authorization: Bearer hidden"]).expect(200)
            try await martlet.chat().expect(200)
            try await martlet.get(headers: ["x-mock-fault: reset"]).expect(502)
            try await until("three lines") { Self.lines(martlet).count >= 3 }
            let text = martlet.written(to: "access")
            for word in ["secret", "hidden", "healthz", "readyz"] { #expect(!text.contains(word)) }
            let lines = Self.lines(martlet)
            #expect(lines.count == 3)
            // Each event loop writes its own lines: those of different connections may come in any order.
            let plain = try #require(lines.first { $0["path"] as? String == "/with/query" })
            #expect(plain["method"] as? String == "GET")
            #expect(plain["status"] as? Int == 200)
            #expect(plain["outcome"] as? String == "completed")
            #expect(plain["client"] as? String == "127.0.0.1")
            #expect(plain["pool"] as? String == "main")
            #expect(plain["target"] as? String == mocks[0].url)
            #expect(plain["version"] as? String == "v7")
            #expect(plain["request_id"] as? String == asked.header("x-request-id"))
            #expect((plain["duration"] as? Double ?? 0) > 0)
            let chat = try #require(lines.first { $0["path"] as? String == "/v1/chat/completions" })
            #expect(chat["route"] as? String == "/v1/")
            #expect(chat["output_tokens"] as? Int == 16)
            let failed = try #require(lines.first { $0["path"] as? String == "/x" })
            #expect(failed["status"] as? Int == 502)
            #expect(failed["code"] as? String == "upstream_reset")
        }
    }

    private static func lines(_ martlet: MartletProcess) -> [[String: Any]] {
        martlet.written(to: "access").split(separator: "\n").compactMap { line in
            try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        }
    }

    @Test func RouteMayStayOutOfTheAccessLog() async throws {
        let more = """
            access_log: "{dir}/access"
            routes:
              - {path: /, pool: main}
              - {path: /quiet/, pool: main, access_log: off}
            """
        try await withMartlet(mocks: 1, { onePool($0.targets(), more: more) }) { martlet, _ in
            try await martlet.get("/quiet/x").expect(200)
            try await martlet.get("/heard").expect(200)
            try await until("a line") { !Self.lines(martlet).isEmpty }
            #expect(Self.lines(martlet).map { $0["path"] as? String } == ["/heard"])
        }
    }

    @Test func WhatIsRefusedBeforeItsRouteIsInTheAccessLog() async throws {
        let more = """
            access_log: "{dir}/access"
            limits: {header_timeout: 1s}
            routes:
              - {path: /a/, pool: main, body: 1KiB}
            """
        try await withMartlet(mocks: 1, { onePool($0.targets(), more: more) }) { martlet, _ in
            let missing = try await martlet.get("/nowhere?key=secret", headers: ["Host: example.com"]).expect(404)
            try await martlet.post("/a/large", body: String(repeating: "x", count: 1025)).expect(413)
            for text in ["no head at all\r\n\r\n", "GET /half HTTP/1.1\r\nHost:"] {
                let client = try await martlet.connect()
                try await client.send(text)
                _ = try await client.ending()
                await client.close()
            }
            try await until("four lines") { Self.lines(martlet).count >= 4 }
            let lines = Self.lines(martlet).sorted { ($0["status"] as? Int ?? 0) < ($1["status"] as? Int ?? 0) }
            #expect(lines.map { $0["status"] as? Int } == [400, 404, 408, 413])
            let codes = ["bad_request", "not_found", "request_timeout", "body_too_large"]
            #expect(lines.map { $0["code"] as? String } == codes)
            #expect(lines.map { $0["path"] as? String } == ["", "/nowhere", "", "/a/large"])
            #expect(lines.map { $0["method"] as? String } == ["", "GET", "", "POST"])
            #expect(lines.map { $0["route"] as? String } == [nil, nil, nil, "/a/"])
            #expect(lines.allSatisfy { $0["client"] as? String == "127.0.0.1" && $0["outcome"] as? String == "refused" })
            #expect(lines[1]["host"] as? String == "example.com")
            #expect(lines[1]["request_id"] as? String == missing.header("x-request-id"))
        }
    }

    @Test func StatusShowsWhatRuns() async throws {
        try await withMartlet(mocks: 2, { onePool($0.targets("max_inflight: 3")) }) { martlet, mocks in
            let client = try await martlet.connect()
            try await client.send(Client.request("GET", "/x", headers: ["x-mock-fault: hang"]))
            try await until("the request to be in flight") { try await martlet.status().pool("main")?.inFlight == 1 }
            let status = try await martlet.status()
            #expect(status.connections.client == 2)
            #expect(status.connections.upstreamActive == 1)
            #expect(status.pool("main")?.targets.map(\.url).sorted() == mocks.map(\.url).sorted())
            #expect(status.process.openFiles > 0)
            #expect(status.process.uptimeSeconds > 0)
            await client.close()
        }
    }
}
