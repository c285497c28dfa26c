package import ArgumentParser
import MartletBase
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#endif

/// `martlet mock`: a pretended model backend.
package struct MockCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "mock",
        abstract: "Run a mock model backend: OpenAI-shaped answers of any speed, and faults on demand.",
        discussion: """
            Serves /v1/chat/completions (streamed when the body says so), /v1/completions, /v1/embeddings, /v1/models, \
            /health, /stats, /wait?id=ID&state=cancelled&timeout=2s, POST /control; any other path echoes the request \
            as JSON. A request changes the answer for itself with x-mock-latency, -tokens, -interval, -size, -fault \
            and -id; the same fields on POST /control change it for all that follow.

            Faults: \(MockFault.words.joined(separator: ", ")).

            A schedule is a list of phases, WHAT@START+LENGTH[/PERIOD], such as 'black-hole@5s+10s, \
            latency=2s@0s+3s/30s, refuse@20s+1s': WHAT is a fault, refuse (the port is closed and every connection \
            reset) or one of latency, interval, tokens, size, fault and health with its value. It counts from the \
            start, or from the POST /control that brought it as x-mock-schedule; 'none' ends it.
            """)

    @Option(help: "Address to listen on.") var host = "127.0.0.1"
    @Option(help: "Port to listen on; 0 picks one.") var port = 9000
    @Option(help: "Event loops.") var threads = 1
    @Option(help: "The model's name.") var model = "mock"
    @Option(help: "Time to the first byte, such as 250ms.") var latency: String?
    @Option(help: "Events of a stream.") var tokens: String?
    @Option(help: "Time between two events, such as 50ms.") var interval: String?
    @Option(help: "Bytes of an answer that is not streamed, such as 1KiB.") var size: String?
    @Option(help: "How to misbehave, such as status:503:2 or reset-mid:5.") var fault: String?
    @Option(help: "Status of /health.") var health: String?
    @Option(help: "When to misbehave, such as 'black-hole@5s+10s/30s'.") var schedule: String?
    @Option(help: "Answers worked on at one time; the rest wait in line.") var slots: Int?
    @Option(help: "Accept one connection only each time this passes.") var slowAccept: String?

    package init() {}

    package func run() async throws {
        let options = try options()
        OpenFiles.raise()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(threads, 1))
        let server: MockServer
        do {
            server = try await MockServer.start(options, on: group)
        } catch {
            throw ToolError(description: "cannot listen on \(options.host):\(options.port): \(error)")
        }
        print("mock backend on http://\(options.host):\(server.port)")
        // Whoever started it may read the line through a pipe.
        fflush(nil)
        try await server.closed()
    }

    private func options() throws -> MockOptions {
        var options = MockOptions()
        options.host = host
        options.port = port
        options.model = model
        let texts = [
            ("latency", latency), ("tokens", tokens), ("interval", interval), ("size", size), ("fault", fault),
            ("health", health),
        ]
        for (name, text) in texts {
            guard let text, !options.behaviour.set(name, text) else { continue }
            throw ValidationError("--\(name): cannot read '\(text)'")
        }
        if let schedule {
            guard let read = MockSchedule(text: schedule) else {
                throw ValidationError("--schedule: cannot read '\(schedule)'")
            }
            options.schedule = read
        }
        if let slots, slots < 1 { throw ValidationError("--slots must be at least 1") }
        options.slots = slots
        if let slowAccept {
            guard let pause = Duration(text: slowAccept), pause > .zero else {
                throw ValidationError("--slow-accept: '\(slowAccept)' is not a duration such as 100ms")
            }
            options.slowAccept = pause
        }
        return options
    }
}
