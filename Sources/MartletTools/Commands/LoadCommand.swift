package import ArgumentParser
import MartletBase

#if canImport(Glibc)
import Glibc
#endif

/// `martlet load`: a load generator.
package struct LoadCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Make load on an HTTP server and say what became of every request.",
        discussion: """
            Without --rate each connection sends its next request when its answer is complete. With --rate requests \
            are due at fixed times, and latency counts from the time a request was due, sent or not.

            With --stream answers are event streams: numbers must be contiguous ("n": in each event, as martlet mock \
            writes them) and the end must be marked with [DONE].

            Each request is tried once. With --once each connection is one client: it connects, asks once and is gone, \
            whatever came of it.

            Exits with 1 when a request failed.
            """)

    @Argument(help: "Where to, such as http://127.0.0.1:8080/v1/chat/completions.") var url: String
    @Option(name: .shortAndLong, help: "Connections, or streams, open at once.") var connections = 64
    @Option(name: [.customShort("n"), .long], help: "Stop after so many requests.") var count: Int?
    @Option(name: .shortAndLong, help: "Stop after this long, such as 30s.") var duration: String?
    @Option(name: .shortAndLong, help: "Requests a second (open loop).") var rate: Double?
    @Option(name: .shortAndLong, help: "Event loops.") var threads = 1
    @Option(name: .shortAndLong, help: "Method.") var method = "POST"
    @Option(name: [.customShort("H"), .customLong("header")], help: "A field, as 'name: value'. May be repeated.")
    var headers: [String] = []
    @Option(name: .shortAndLong, help: "Body; a chat request of 1 KB when not given.") var body: String?
    @Option(help: "Model named in the default body.") var model = "mock"
    @Flag(help: "Answers are streams of events.") var stream = false
    @Flag(help: "A new connection for each request.") var noKeepAlive = false
    @Option(help: "Open connections spread over this time (streams: 1s).") var ramp: String?
    @Option(help: "Part of the clients that leave early, such as 30%.") var leave: String?
    @Option(help: "They leave at a random moment within this time.") var leaveWithin: String?
    @Option(help: "When: \(LeavePhase.allCases.map(\.rawValue).joined(separator: ", ")).") var leavePhase = "any"
    @Option(help: "How: fin or reset.") var leaveBy = "fin"
    @Flag(help: "Each connection asks once; --count is --connections.") var once = false
    @Option(help: "Give each request an x-mock-id and x-request-id, PREFIX-N.") var ids: String?
    @Option(help: "Write a line of JSON for each request to this file.") var ledger: String?
    @Option(help: "Draw throughput, failures and first-byte time over time into this file, as SVG.") var svg: String?
    @Option(help: "Addresses to connect from, separated by commas.") var source: String?
    @Option(help: "When a request without progress has failed.") var timeout: String?
    @Option(help: "Bytes each body must have.") var expectLength: Int?
    @Option(help: "FNV-1a hash each body must have.") var expectHash: String?
    @Option(help: "Seed for who leaves when.") var seed: UInt64 = 1
    @Flag(help: "Report as JSON.") var json = false

    package init() {}

    package func run() async throws {
        let options = try options()
        OpenFiles.raise()
        let report = try await LoadGenerator.run(options)
        if let ledger { try OutputFile.write(report.ledger.map { $0.json + "\n" }.joined(), to: ledger) }
        if let svg { try OutputFile.write(report.plot(title: url).svg, to: svg) }
        print(json ? report.json : report.text)
        fflush(nil)
        if report.failed > 0 { throw ExitCode.failure }
    }

    private func options() throws -> LoadOptions {
        var options = LoadOptions()
        guard options.setURL(url) else { throw ValidationError("'\(url)' is not an http:// URL") }
        guard connections > 0 else { throw ValidationError("--connections must be at least 1") }
        options.connections = connections
        options.count = count
        options.duration = try duration.map { try Self.duration($0, "--duration") }
        if count == nil, duration == nil { options.duration = .seconds(10) }
        if let rate, rate <= 0 { throw ValidationError("--rate must be more than 0") }
        options.rate = rate
        options.threads = threads
        options.method = method.uppercased()
        options.fields = try headers.map(Self.field)
        options.body = body ?? (options.method == "POST" ? LoadOptions.chatBody(stream: stream, model: model) : "")
        options.stream = stream
        options.keepAlive = !noKeepAlive
        options.ramp = try ramp.map { try Self.duration($0, "--ramp") } ?? (stream ? .seconds(1) : .zero)
        options.leave = try leave.map(Self.part) ?? 0
        options.leaveWithin = try leaveWithin.map { try Self.duration($0, "--leave-within") } ?? .seconds(1)
        guard let phase = LeavePhase(rawValue: leavePhase) else {
            throw ValidationError("--leave-phase: '\(leavePhase)' is not one of \(LeavePhase.allCases.map(\.rawValue))")
        }
        options.leavePhase = phase
        guard ["fin", "reset"].contains(leaveBy) else { throw ValidationError("--leave-by must be fin or reset") }
        options.leavesWithReset = leaveBy == "reset"
        if once {
            guard rate == nil, count == nil else { throw ValidationError("--once excludes --rate and --count") }
            options.isOnce = true
            options.count = connections
            options.duration = try duration.map { try Self.duration($0, "--duration") }
        }
        options.idPrefix = ids
        options.keepsLedger = ledger != nil
        options.sources = source?.split(separator: ",").map(String.init) ?? []
        options.timeout = try timeout.map { try Self.duration($0, "--timeout") } ?? .seconds(30)
        options.expectedLength = expectLength
        options.expectedHash = expectHash
        options.seed = seed
        return options
    }

    private static func duration(_ text: String, _ name: String) throws -> Duration {
        guard let duration = Duration(text: text) else {
            throw ValidationError("\(name): '\(text)' is not a duration such as 30s")
        }
        return duration
    }

    private static func part(_ text: String) throws -> Double {
        guard text.hasSuffix("%"), let percent = Double(text.dropLast()), (0...100).contains(percent) else {
            throw ValidationError("--leave: '\(text)' is not a part such as 30%")
        }
        return percent / 100
    }

    private static func field(_ text: String) throws -> (name: String, value: String) {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
            throw ValidationError("--header: '\(text)' is not 'name: value'")
        }
        return (String(text[..<colon]), String(text[text.index(after: colon)...].drop { $0 == " " }))
    }
}
