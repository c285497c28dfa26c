import MartletTools
import NIOCore
import NIOPosix
import Testing

/// Runs `body` against a gateway with this configuration, and checks at the end that the gateway is at rest again:
/// nothing in flight, no retry or queue place held, no more descriptors open than before the first request, no socket
/// in CLOSE_WAIT, books that balance by target, no process left over.
///
/// The configuration should let idle connections expire soon (`keepalive: {idle: 200ms}`).
func withMartlet(
    _ configuration: String?, environment: [String: String] = [:], under wrapper: [String] = [],
    body: (MartletProcess) async throws -> Void
) async throws {
    let martlet = try await MartletProcess.start(configuration, environment: environment, under: wrapper)
    do {
        let before = try await martlet.rest()
        try await body(martlet)
        try await martlet.settle(to: before)
        let processes = try martlet.processes()
        await martlet.stop()
        try await until("its processes to be gone") { processes.allSatisfy(isGone) }
    } catch {
        await martlet.stop()
        throw error
    }
}

/// Runs `body` with so many mock backends, and cuts them off at the end.
func withMocks(
    _ count: Int, _ options: MockOptions = MockOptions(), body: ([MockServer]) async throws -> Void
) async throws {
    var mocks: [MockServer] = []
    do {
        for _ in 0..<count {
            mocks.append(try await MockServer.start(options, on: MultiThreadedEventLoopGroup.singleton))
        }
        try await body(mocks)
        for mock in mocks { await mock.stop() }
    } catch {
        for mock in mocks { await mock.stop() }
        throw error
    }
}

/// A gateway before so many mock backends: ``withMocks(_:_:body:)`` and ``withMartlet(_:environment:body:)``.
func withMartlet(
    mocks count: Int, _ configuration: ([MockServer]) -> String,
    body: (MartletProcess, [MockServer]) async throws -> Void
) async throws {
    try await withMocks(count) { mocks in
        try await withMartlet(configuration(mocks)) { martlet in try await body(martlet, mocks) }
    }
}

extension MockServer {
    var url: String { "http://127.0.0.1:\(port)" }

    /// A mock at the port where another one was, as a backend that was started again.
    static func restart(at port: Int) async throws -> MockServer {
        var options = MockOptions()
        options.port = port
        return try await MockServer.start(options, on: MultiThreadedEventLoopGroup.singleton)
    }
}
