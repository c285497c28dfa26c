import Foundation
import MartletTools
import Testing

/// Backends die (SIGKILL) and come back, ten times, under the rules for retries that hold where nothing is stated:
/// two attempts, a budget, and never again what a client has had a byte of.
@Suite(.serialized, .timeLimit(.minutes(1))) struct DefaultRetryTests {
    private static let kills = 10

    /// A request that was answered with an error of ours.
    private struct Failure {
        let id: String
        let status: Int
        let code: String
        let isBudgetSpent: Bool
    }

    @Test func WhatTheRulesAllowIsTriedAgainAndEveryOtherFailureIsTold() async throws {
        try await withMockProcesses(6) { mocks in
            let pool = onePool(
                mocks.map { "{url: \($0.url)}" }, "health: {interval: 1s, timeout: 1s}",
                more: "access_log: \"{dir}/access\"")
            try await withMartlet(pool) { martlet in
                let streams = Task { try await Self.streams(martlet) }
                let asking = (0..<8).map { number in
                    Task { try await Self.ask(martlet, isChat: number % 2 == 0) }
                }
                for kill in 0..<Self.kills {
                    let victim = mocks[kill % mocks.count]
                    victim.kill()
                    try await Task.sleep(for: .milliseconds(100))
                    try await victim.restart()
                    try await Task.sleep(for: .milliseconds(100))
                }
                for task in asking { task.cancel() }
                let streamed = try await streams.value
                var answered = 0
                var failures: [Failure] = []
                for task in asking {
                    let (count, failed) = try await task.value
                    answered += count
                    failures += failed
                }
                #expect(answered > 100)
                #expect(streamed.failures[.errorEvent, default: 0] > 0, "some streams were cut, and said so")
                let silent = streamed.failures.filter { $0.key != .errorEvent && $0.key != .status }
                #expect(silent.isEmpty, "\(silent)")
                #expect(try await martlet.metrics().sum("martlet_retries_total") > 0)
                for failure in failures {
                    try await until("the log to name \(failure.id)") { Self.attempts(martlet)[failure.id] != nil }
                    let made = Self.attempts(martlet)[failure.id] ?? 0
                    #expect(
                        made >= 2 || failure.isBudgetSpent,
                        "\(failure.status) \(failure.code) after \(made) attempts, and retries were left")
                    #expect([502, 503].contains(failure.status), "\(failure)")
                }
                #expect(failures.count * 50 < answered, "\(failures.count) failures beside \(answered) answers")
            }
        }
    }

    /// Asks until it is cancelled; answers how often it was served, and each error. A connection that ends without an
    /// answer is thrown.
    private static func ask(_ martlet: MartletProcess, isChat: Bool) async throws -> (Int, [Failure]) {
        var answered = 0
        var failures: [Failure] = []
        while !Task.isCancelled {
            let latency = ["x-mock-latency: 50ms"]
            let answer = isChat ? try await martlet.chat(headers: latency) : try await martlet.get(headers: latency)
            guard answer.status != 200 else {
                answered += 1
                continue
            }
            let error = answer.json["error"] as? [String: Any]
            failures.append(
                Failure(
                    id: answer.header("x-request-id") ?? "", status: answer.status, code: "\(error?["code"] ?? "")",
                    isBudgetSpent: answer.header("x-should-retry") == "false"))
        }
        return (answered, failures)
    }

    private static func streams(_ martlet: MartletProcess) async throws -> LoadReport {
        try await martlet.load(stream: true) {
            $0.connections = 12
            $0.duration = .seconds(Double(kills) * 0.22)
        }
    }

    /// Of each request, by its id.
    private static func attempts(_ martlet: MartletProcess) -> [String: Int] {
        var attempts: [String: Int] = [:]
        for line in martlet.written(to: "access").split(separator: "\n") {
            guard let entry = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let id = entry["request_id"] as? String
            else { continue }
            attempts[id] = entry["attempts"] as? Int
        }
        return attempts
    }
}
