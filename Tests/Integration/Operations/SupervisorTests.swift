import Foundation
import MartletTools
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The serving process may die: its parent has another one serve in a moment, and nobody is refused.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SupervisorTests {
    /// Kills the serving process and waits until another one has its place.
    private func crash(_ martlet: MartletProcess, with signal: Int32 = SIGKILL) async throws {
        let victim = try martlet.servingID
        kill(victim, signal)
        // For a moment there is none.
        try await until("another process to serve") { ((try? martlet.servingID) ?? victim) != victim }
    }

    @Test func NoConnectionIsRefusedWhileTheProcessDiesTenTimes() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, _ in
            let stop = StopFlag()
            async let outcomes = Self.connections(to: martlet, until: stop)
            var longest = Duration.zero
            for _ in 0..<10 {
                // Old enough to be started again without a pause.
                try await Task.sleep(for: .milliseconds(1100))
                let start = ContinuousClock.now
                try await crash(martlet)
                try await martlet.get().expect(200)
                longest = max(longest, ContinuousClock.now - start)
            }
            stop.isSet = true
            let (made, refused) = try await outcomes
            #expect(refused == 0, "of \(made)")
            #expect(made > 100)
            #expect(longest < .seconds(1), "back after \(longest)")
        }
    }

    /// Connects again and again; how often, and how often that was refused.
    private static func connections(
        to martlet: MartletProcess, until stop: StopFlag
    ) async throws -> (made: Int, refused: Int) {
        var (made, refused) = (0, 0)
        while !stop.isSet {
            made += 1
            if let peer = try? await martlet.peer() { await peer.close() } else { refused += 1 }
            try await Task.sleep(for: .milliseconds(5))
        }
        return (made, refused)
    }

    @Test func ATrapEndsOneLifeAndTheLogSaysWhich() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, _ in
            try await Task.sleep(for: .milliseconds(1100))
            try await crash(martlet, with: SIGILL)
            try await martlet.get().expect(200)
            #expect(martlet.log().contains("signal 4"))
        }
    }

    @Test func AFileThatBecameWrongDoesNotKeepTheNextProcessDown() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, mocks in
            try "pools: [nonsense".write(
                to: martlet.directory.appending(path: "martlet.yaml"), atomically: false, encoding: .utf8)
            try await crash(martlet)
            try await martlet.get().expect(200)
            #expect(mocks[0].echoes == 1)
            #expect(martlet.log().contains("serving by the one before it"))
        }
    }

    @Test func WhatAReloadRefusedDoesNotKeepTheNextProcessDown() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, mocks in
            let more = "listen: [\"127.0.0.1:0\", {address: \"127.0.0.1:1\", tls: {certificate: /no.pem, key: /no.key}}]\n"
            #expect(try await martlet.tryReload(more + onePool(mocks.targets())).status == 400)
            try await Task.sleep(for: .milliseconds(1100))
            try await crash(martlet)
            try await martlet.get().expect(200)
            #expect(martlet.log().contains("cannot be put in force"))
        }
    }

    @Test func TheParentsEndIsTheChildsEnd() async throws {
        try await withMocks(1) { mocks in
            let martlet = try await MartletProcess.start(onePool(mocks.targets()))
            let child = try martlet.servingID
            kill(martlet.processID, SIGKILL)
            try await until("the child to end") { isGone(child) }
            #expect(await (try? martlet.peer()) == nil)
            await martlet.stop()
        }
    }

    @Test func TheParentHoldsNoMoreThanItsSockets() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, _ in
            func held() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/\(martlet.processID)/fd").count
            }
            let before = try held()
            for _ in 0..<2 {
                try await Task.sleep(for: .milliseconds(1100))
                try await crash(martlet)
                try await martlet.get().expect(200)
            }
            #expect(try held() == before)
        }
    }
}

/// Tells a loop that it is enough.
final class StopFlag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool {
        get { value.load(ordering: .relaxed) }
        set { value.store(newValue, ordering: .relaxed) }
    }
}
