import MartletBase
import MartletTelemetry
import Testing

@Suite struct ExpositionTests {
    private let labels = LabelRegistry()

    private func scrape(
        _ meter: LoopMeter = LoopMeter(), _ change: (inout Readings) -> Void = { _ in }
    ) throws -> PrometheusText {
        var readings = Readings(build: .init(version: "1.2.3", commit: "abc"))
        change(&readings)
        let text = Exposition.text(totals: MeterTotals([meter.snapshot()]), labels: labels, readings: readings)
        return try PrometheusText(text)
    }

    private func value(_ text: PrometheusText, _ name: String, _ labels: [String: String] = [:]) -> Double? {
        text.samples[.init(name: name, labels: labels)]
    }

    @Test func everySeriesIsDescribedEvenWhenItIsEmpty() throws {
        let text = try scrape()
        #expect(Set(text.types.keys) == Set(Series.allCases.map(\.name)))
        for series in Series.allCases {
            #expect(text.types[series.name] == series.kind.rawValue)
            #expect(text.helps[series.name] == series.help)
        }
        #expect(value(text, "martlet_build_info", ["version": "1.2.3", "commit": "abc"]) == 1)
        #expect(value(text, "martlet_cancelled_total", ["phase": "queued"]) == 0)
    }

    @Test func aRequestAppearsUnderItsNames() throws {
        let meter = LoopMeter()
        labels.register(TargetID(1), .init(pool: "chat", url: "http://10.0.0.1:8000", version: "v2"))
        var record = RequestRecord()
        record.route = labels.index(of: "/v1/", in: .route)
        record.pool = labels.index(of: "chat", in: .pool)
        record.model = labels.index(of: "qwen3", in: .model)
        record.operation = .chat
        record.target = TargetID(1)
        record.status = 200
        record.durationNanoseconds = 1_500_000_000
        record.firstByteNanoseconds = 250_000_000
        record.outputTokens = 64
        meter.record(record)
        let slot = meter.attempt(at: TargetID(1))
        meter.failed(slot, .connect)
        meter.retried(pool: record.pool, because: .connect)

        let text = try scrape(meter)
        let ofRequest = [
            "route": "/v1/", "pool": "chat", "target": "http://10.0.0.1:8000", "version": "v2", "status": "200",
            "outcome": "completed",
        ]
        let ofTarget = ["pool": "chat", "target": "http://10.0.0.1:8000", "version": "v2"]
        #expect(value(text, "martlet_requests_total", ofRequest) == 1)
        #expect(value(text, "martlet_request_duration_seconds_sum", ofRequest) == 1.5)
        let second = ofRequest.merging(["le": "1"]) { $1 }
        let twoAndAHalf = ofRequest.merging(["le": "2.5"]) { $1 }
        #expect(value(text, "martlet_request_duration_seconds_bucket", second) == 0)
        #expect(value(text, "martlet_request_duration_seconds_bucket", twoAndAHalf) == 1)
        #expect(value(text, "martlet_time_to_first_byte_seconds_sum", ofTarget) == 0.25)
        #expect(value(text, "martlet_tokens_total", ofTarget.merging(["type": "output"]) { $1 }) == 64)
        let failure = ["pool": "chat", "target": "http://10.0.0.1:8000", "class": "connect"]
        #expect(value(text, "martlet_failures_total", failure) == 1)
        #expect(value(text, "martlet_retries_total", ["pool": "chat", "class": "connect"]) == 1)
        let ofModel = ["gen_ai_operation_name": "chat", "gen_ai_request_model": "qwen3"]
        #expect(value(text, "gen_ai_client_operation_duration_seconds_count", ofModel) == 1)
        let usage = ofModel.merging(["gen_ai_token_type": "output"]) { $1 }
        #expect(value(text, "gen_ai_client_token_usage_sum", usage) == 64)
    }

    @Test func readingsBecomeGauges() throws {
        let url = "http://10.0.0.1:8000"
        let text = try scrape {
            $0.targets = [.init(pool: "chat", url: url, inFlight: 7, isUp: false, breaker: .open)]
            $0.queues = [.init(pool: "chat", priority: .batch, length: 12)]
            $0.droppedLogLines = [(log: "access", lines: 3)]
        }
        #expect(value(text, "martlet_in_flight", ["pool": "chat", "target": url]) == 7)
        #expect(value(text, "martlet_target_up", ["pool": "chat", "target": url]) == 0)
        #expect(value(text, "martlet_breaker_state", ["pool": "chat", "target": url, "state": "open"]) == 1)
        #expect(value(text, "martlet_breaker_state", ["pool": "chat", "target": url, "state": "shut"]) == 0)
        #expect(value(text, "martlet_queue_length", ["pool": "chat", "priority": "batch"]) == 12)
        #expect(value(text, "martlet_log_lines_dropped_total", ["log": "access"]) == 3)
        #expect(try #require(value(text, "process_resident_memory_bytes")) > 0)
        #expect(value(text, "process_cpu_seconds_total", ["mode": "user"]) != nil)
    }

    @Test func namesFromOutsideCannotBreakTheFormat() throws {
        let evil = "a\"} 1\n# TYPE x counter\\"
        let text = try scrape {
            $0.queues = [.init(pool: evil, priority: .batch, length: 1)]
        }
        #expect(value(text, "martlet_queue_length", ["pool": evil, "priority": "batch"]) == 1)
    }

    @Test func aTargetForgottenDuringTheScrapeIsLeftOut() throws {
        let meter = LoopMeter()
        _ = meter.attempt(at: TargetID(5))
        let text = try scrape(meter)
        #expect(!text.samples.keys.contains { $0.name == "martlet_upstream_attempts_total" })
    }

    /// A pool that names a URL twice, and a target that was added again while its former life still holds requests.
    @Test func targetsThatLookTheSameAreOneSeries() throws {
        let meter = LoopMeter()
        let url = "http://10.0.0.1:8000"
        for id in 1...2 { labels.register(TargetID(UInt32(id)), .init(pool: "chat", url: url)) }
        labels.register(TargetID(3), .init(pool: "chat", url: url, version: ""))
        labels.register(TargetID(4), .init(pool: "chat", url: url, version: "v2"))
        for id in 1...4 {
            var record = RequestRecord()
            record.pool = labels.index(of: "chat", in: .pool)
            record.target = TargetID(UInt32(id))
            record.firstByteNanoseconds = 250_000_000
            record.outputTokens = 10
            meter.record(record)
            meter.failed(meter.attempt(at: TargetID(UInt32(id))), .reset)
        }
        let text = try scrape(meter) {
            $0.targets = [
                .init(pool: "chat", url: url, inFlight: 2, isUp: false, breaker: .open),
                .init(pool: "chat", url: url, inFlight: 3, isUp: true, breaker: .shut),
                .init(pool: "chat", url: url, inFlight: 1, isUp: false, breaker: .open),
            ]
        }
        let target = ["pool": "chat", "target": url]
        let newVersion = target.merging(["version": "v2"]) { $1 }
        #expect(value(text, "martlet_upstream_attempts_total", target) == 3)
        #expect(value(text, "martlet_upstream_attempts_total", newVersion) == 1)
        #expect(value(text, "martlet_time_to_first_byte_seconds_count", target) == 3)
        #expect(value(text, "martlet_tokens_total", newVersion.merging(["type": "output"]) { $1 }) == 10)
        // These have no version among their labels.
        #expect(value(text, "martlet_failures_total", target.merging(["class": "reset"]) { $1 }) == 4)
        let requests = text.samples.filter { $0.key.name == "martlet_requests_total" }
        #expect(requests.values.sorted() == [1, 3])
        #expect(value(text, "martlet_in_flight", target) == 6)
        #expect(value(text, "martlet_target_up", target) == 1)
        #expect(value(text, "martlet_breaker_state", target.merging(["state": "shut"]) { $1 }) == 1)
        #expect(value(text, "martlet_breaker_state", target.merging(["state": "open"]) { $1 }) == 0)
    }

    @Test func aPoolThatIsCalledOtherIsOneSeriesWithThoseBeyondTheBound() throws {
        let meter = LoopMeter()
        for pool in [labels.index(of: "other", in: .pool), LabelRegistry.other] {
            var record = RequestRecord()
            record.pool = pool
            record.model = pool
            record.operation = .chat
            record.bytesIn = 5
            meter.record(record)
        }
        #expect(value(try scrape(meter), "martlet_request_body_bytes_total", ["pool": "other"]) == 10)
    }

    @Test func theCatalogueFollowsPrometheusHabits() {
        let names = Series.allCases.map(\.name)
        #expect(Set(names).count == names.count)
        for series in Series.allCases {
            #expect(series.name.hasSuffix("_total") == (series.kind == .counter), "\(series.name)")
            let unit = series.unit.rawValue
            if series.unit == .seconds || series.unit == .bytes {
                #expect(series.name.contains("_\(unit)"), "\(series.name) does not name its unit")
            }
            #expect(Set(series.labels).count == series.labels.count)
            #expect(series.help.hasSuffix(".") && !series.help.contains("\n"))
        }
    }
}
