import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import NIOPosix
import Synchronization
import Testing

@testable import Martlet

@Suite("Models in batches")
struct ModelGroupTests {
    struct Failure: Error, Equatable {
        let input: Int
    }

    /// Notes what it is asked, waits at a gate for those below zero, fails for 13.
    struct Noting: Model {
        let calls: Calls

        func predict(_ input: Int) async throws -> Int { try await batch([input])[0] }

        func batch(_ inputs: [Int]) async throws -> [Int] {
            calls.began(inputs)
            defer { calls.end() }
            if inputs.contains(where: { $0 < 0 }) { try await calls.gate.wait() }
            if inputs.contains(13) { throw Failure(input: 13) }
            return inputs.map { $0 * 10 }
        }
    }

    final class Calls: Sendable {
        let gate = Gate()
        private let state = Mutex((calls: [[Int]](), ended: 0))

        var all: [[Int]] { state.withLock { $0.calls } }
        var ended: Int { state.withLock { $0.ended } }
        func began(_ inputs: [Int]) { state.withLock { $0.calls.append(inputs.sorted()) } }
        func end() { state.withLock { $0.ended += 1 } }
    }

    /// Holds those who wait until it is opened or their task is cancelled.
    final class Gate: Sendable {
        private let (stream, opening) = AsyncStream<Void>.makeStream()

        func open() { opening.finish() }

        func wait() async throws {
            for await _ in stream {}
            try Task.checkCancellation()
        }
    }

    private func group(_ calls: Calls, maxBatch: Int = 4) -> ModelGroup<Noting> {
        let loops = MultiThreadedEventLoopGroup.singleton
        var policy = BatchPolicy()
        policy.maxBatch = maxBatch
        policy.maxAhead = 0
        return ModelGroup(
            Noting(calls: calls), policy: policy, concurrent: 1, threads: ModelThreads(1),
            dispatch: Dispatch(LoopTable(group: loops, contexts: []), RoutesInForce()), clock: loops.next())
    }

    private func compute(_ group: ModelGroup<Noting>, _ input: Int) -> Task<Int, any Error> {
        Task { try await group.compute(input, bytes: 1, priority: .interactive, deadline: .never) }
    }

    private func until(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test("An idle model takes one at once; what comes meanwhile is the next batch", .timeLimit(.minutes(1)))
    func batching() async throws {
        let calls = Calls()
        let group = group(calls)
        let first = compute(group, -1)
        try await until { calls.all == [[-1]] }
        let others = (1...4).map { compute(group, $0) }
        try await until { group.waiting == 4 }
        calls.gate.open()
        #expect(try await first.value == -10)
        for (index, other) in others.enumerated() { #expect(try await other.value == (index + 1) * 10) }
        #expect(calls.all == [[-1], [1, 2, 3, 4]])
    }

    @Test("Of a batch that fails only the one at fault does", .timeLimit(.minutes(1)))
    func isolating() async throws {
        let calls = Calls()
        let group = group(calls)
        let first = compute(group, -1)
        try await until { calls.all == [[-1]] }
        let others = [1, 13, 3, 4].map { compute(group, $0) }
        try await until { group.waiting == 4 }
        calls.gate.open()
        _ = try await first.value
        await #expect(throws: Failure(input: 13)) { try await others[1].value }
        for (index, value) in [0: 10, 2: 30, 3: 40] { #expect(try await others[index].value == value) }
    }

    @Test("Who leaves while it waits is not computed", .timeLimit(.minutes(1)))
    func leavingTheQueue() async throws {
        let calls = Calls()
        let group = group(calls, maxBatch: 1)
        let first = compute(group, -1)
        try await until { calls.all == [[-1]] }
        let (leaves, stays) = (compute(group, 1), compute(group, 2))
        try await until { group.waiting == 2 }
        leaves.cancel()
        await #expect(throws: CancellationError.self) { try await leaves.value }
        calls.gate.open()
        #expect(try await stays.value == 20)
        _ = try await first.value
        #expect(calls.all == [[-1], [2]])
    }

    @Test("What nobody waits for any more is cancelled", .timeLimit(.minutes(1)))
    func leavingTheModel() async throws {
        let calls = Calls()
        let group = group(calls)
        let only = compute(group, -1)
        try await until { calls.all == [[-1]] }
        only.cancel()
        await #expect(throws: CancellationError.self) { try await only.value }
        // The gate is never opened: its task was cancelled.
        try await until { calls.ended == 1 }
        #expect(try await compute(group, 5).value == 50)
    }

    @Test("Who is too late is told so", .timeLimit(.minutes(1)))
    func deadlines() async throws {
        let group = group(Calls())
        await #expect(throws: MartletError.self) {
            try await group.compute(1, bytes: 1, priority: .interactive, deadline: Instant(nanoseconds: 0))
        }
    }
}
