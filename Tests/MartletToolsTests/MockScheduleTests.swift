import Testing

@testable import MartletTools

@Suite struct MockScheduleTests {
    private static let second: UInt64 = 1_000_000_000

    private func fault(_ text: String, at seconds: Double) throws -> MockFault {
        let schedule = try #require(MockSchedule(text: text))
        return schedule.applied(to: MockBehaviour(), at: UInt64(seconds * 1e9)).fault
    }

    @Test func phaseIsOnFromItsStartForItsLength() throws {
        for seconds in [0, 4.9, 15, 90] { #expect(try fault("hang@5s+10s", at: seconds) == .none, "\(seconds) s") }
        for seconds in [5, 14.9] { #expect(try fault("hang@5s+10s", at: seconds) == .hang, "\(seconds) s") }
    }

    @Test func phaseWithAPeriodComesAgain() throws {
        for seconds in [4, 7.5, 18] { #expect(try fault("hang@5s+2s/10s", at: seconds) == .none, "\(seconds) s") }
        for seconds in [6, 15.5, 25] { #expect(try fault("hang@5s+2s/10s", at: seconds) == .hang, "\(seconds) s") }
    }

    @Test func laterPhaseHasTheLastWord() throws {
        #expect(try fault("hang@0s+10s, status:503:2@1s+1s", at: 1.5) == .status(503, retryAfter: 2))
        #expect(try fault("hang@0s+10s, status:503:2@1s+1s", at: 2.5) == .hang)
    }

    @Test func anyBehaviourCanBeScheduled() throws {
        let schedule = try #require(
            MockSchedule(text: "latency=2s@0s+1s,health=503@0s+1s,fault=drip@0s+1s,refuse@0s+1s"))
        let behaviour = schedule.applied(to: MockBehaviour(), at: 0)
        #expect(behaviour.latency == .seconds(2) && behaviour.health == 503 && behaviour.fault == .drip)
        #expect(behaviour.refuses)
        #expect(schedule.applied(to: MockBehaviour(), at: Self.second) == MockBehaviour())
    }

    @Test func changesAreForeseen() throws {
        let schedule = try #require(MockSchedule(text: "hang@5s+2s/10s,drip@1s+1s"))
        var changes: [UInt64] = []
        var elapsed: UInt64 = 0
        while changes.count < 6, let next = schedule.nextChange(after: elapsed) {
            changes.append(next / Self.second)
            elapsed = next
        }
        #expect(changes == [1, 2, 5, 7, 15, 17])
        #expect(MockSchedule(text: "drip@1s+1s")?.nextChange(after: 2 * Self.second) == nil)
        #expect(MockSchedule().nextChange(after: 0) == nil)
    }

    @Test(arguments: [
        "", "hang", "hang@5s", "hang@5+5", "hang@5s+", "hang@+5s", "what@1s+1s", "hang@1s+2s/1s", "hang@1s+1s/2s/3s",
        "latency@1s+1s", "latency=soon@1s+1s", "color=red@1s+1s", "hang@0s+0s", "hang@0s+1us/2us", "hang@1s+1s,",
        "refuse=x@1s+1s",
    ])
    func wordsThatAreNoSchedule(text: String) {
        #expect(MockSchedule(text: text) == nil)
    }
}
