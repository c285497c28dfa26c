import MartletBase
import NIOCore
import NIOPosix

/// The same storm through one gateway after the other, in front of the same two mock backends: many streams, a part of
/// whose clients leave, and one backend that falls silent for a while.
package struct Storm: Sendable {
    private let options: StormOptions
    private let room: StormRoom
    private let say: @Sendable (String) -> Void

    /// One side's outcome.
    package struct Outcome: Sendable {
        package let side: StormSide
        package let result: StormResult
        let report: LoadReport
    }

    /// - Parameter say: told what is going on, a line at a time.
    package init(_ options: StormOptions, say: @escaping @Sendable (String) -> Void) throws {
        self.options = options
        self.say = say
        let needed = 2 * options.streams + 256
        let limit = OpenFiles.raise()
        guard limit >= needed else {
            throw ToolError(
                description: "\(options.streams) streams need \(needed) open files and the hard limit is \(limit): "
                    + "raise it (ulimit -Hn), or ask for fewer --streams")
        }
        room = try StormRoom()
    }

    /// Ends whatever runs; for a signal. ``run()`` does so by itself.
    package func clear() { room.clear() }

    package func run() async throws -> [Outcome] {
        defer { room.clear() }
        var behaviour = MockOptions()
        behaviour.behaviour.latency = options.latency
        behaviour.behaviour.interval = options.interval
        behaviour.behaviour.tokens = StormOptions.tokens
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let mocks = [
            try await MockServer.start(behaviour, on: group), try await MockServer.start(behaviour, on: group),
        ]
        var outcomes: [Outcome] = []
        for side in options.sides { outcomes.append(try await storm(side, mocks, on: group)) }
        for mock in mocks { await mock.stop() }
        try await group.shutdownGracefully()
        return outcomes
    }

    private func storm(_ side: StormSide, _ mocks: [MockServer], on group: any EventLoopGroup) async throws -> Outcome {
        let port = try await Self.freePort(on: group)
        let gateway = try room.start(side, port: port, backends: mocks.map(\.port), options)
        try await waitUntilServing(gateway, port)
        say("\(side.title): \(options.streams) streams for \(Self.seconds(options.seconds)) …")
        let before = gateway.openFiles()
        let start = monotonicNanoseconds()
        mocks[0].schedule = hole
        async let peak = peakOfFiles(gateway, until: start + UInt64(options.seconds * 1e9))
        let report = try await LoadGenerator.run(load(side, port))
        let filesPeak = await peak
        try await Task.sleep(for: options.quiet)
        var records: [String: [MockRequestRecord]] = [:]
        for record in mocks.flatMap(\.records) { records[record.id, default: []].append(record) }
        var result = StormResult(
            ledger: report.ledger, records: records.filter { $0.key.hasPrefix(side.rawValue) }, start: start,
            hole: options.hole, interval: UInt64(options.interval.wholeNanoseconds))
        (result.filesBefore, result.filesPeak, result.filesAfter) = (before, filesPeak, gateway.openFiles())
        gateway.end()
        return Outcome(side: side, result: result, report: report)
    }

    private var hole: MockSchedule {
        let (from, to) = options.hole
        let text = "black-hole@\(Int(from * 1000))ms+\(Int((to - from) * 1000))ms"
        return MockSchedule(text: text) ?? MockSchedule()
    }

    private func load(_ side: StormSide, _ port: Int) -> LoadOptions {
        var load = LoadOptions()
        load.port = port
        load.path = "/v1/chat/completions"
        load.body = LoadOptions.chatBody(stream: true)
        load.stream = true
        load.connections = options.streams
        load.duration = .seconds(options.seconds)
        load.ramp = .seconds(options.seconds * 0.05)
        load.timeout = options.patience
        load.leave = options.leave
        load.leaveWithin = .seconds(options.seconds * 0.1)
        load.seed = options.seed
        load.idPrefix = side.rawValue
        load.keepsLedger = true
        return load
    }

    private func peakOfFiles(_ gateway: StormProcess, until end: UInt64) async -> Int {
        var peak = 0
        while monotonicNanoseconds() < end, gateway.isRunning {
            peak = max(peak, gateway.openFiles())
            try? await Task.sleep(for: .milliseconds(200))
        }
        return peak
    }

    // MARK: Getting ready

    private static func seconds(_ value: Double) -> String { "\((value * 10).rounded() / 10) s" }

    private static func freePort(on group: any EventLoopGroup) async throws -> Int {
        let probe = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let port = probe.localAddress?.port ?? 0
        try await probe.close()
        return port
    }

    /// Both backends answer through it.
    private func waitUntilServing(_ gateway: StormProcess, _ port: Int) async throws {
        var load = LoadOptions()
        load.port = port
        load.path = "/v1/models"
        load.method = "GET"
        load.body = ""
        load.connections = 1
        load.count = 2
        load.timeout = .seconds(2)
        for _ in 0..<100 where gateway.isRunning {
            if try await LoadGenerator.run(load).completed == 2 { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw ToolError(description: "the gateway does not serve; it said:\n\(gateway.said.suffix(2000))")
    }

    // MARK: The picture

    package func plot(_ outcomes: [Outcome]) -> Plot {
        let colors: [StormSide: String] = [.nginx: Plot.orange, .martlet: Plot.blue]
        func panel(_ title: String, unit: String, _ value: (LoadSeries.Point) -> Double) -> Plot.Panel {
            let lines = outcomes.map { outcome in
                Plot.Line(
                    outcome.side.title, colors[outcome.side] ?? Plot.grey,
                    outcome.report.wholeSeconds.map { Plot.Point(Double($0.second), value($0)) })
            }
            return Plot.Panel(title, unit: unit, lines)
        }
        var plot = Plot(
            title: "\(options.streams) streams, \(Int(options.leave * 100)) % leave, one of two backends falls silent",
            [
                panel("completed", unit: "streams a second") { Double($0.slot.completed) },
                panel("failed", unit: "streams a second") { Double($0.slot.failed) },
                panel("first token, p99", unit: "milliseconds") { Double($0.slot.first?.quantile(0.99) ?? 0) / 1e6 },
            ])
        plot.spans = [Plot.Span("one backend silent", from: options.hole.from, to: options.hole.to)]
        return plot
    }
}
