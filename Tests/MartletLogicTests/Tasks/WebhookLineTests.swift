import Testing

@testable import MartletLogic

/// Who tells webhooks when.
@Suite struct WebhookLineTests {
    private func line(_ change: (inout WebhookLine.Limits) -> Void) -> WebhookLine {
        var limits = WebhookLine.Limits()
        change(&limits)
        return WebhookLine(limits: limits)
    }

    @Test func aSlowHostTakesOnlyItsShare() {
        var line = line { ($0.told, $0.toldOfHost) = (4, 2) }
        let told = (0..<5).map { line.add("slow\($0)", host: "slow") }
        #expect(told == [true, true, false, false, false])
        #expect(line.add("quick", host: "quick") == true)
        #expect(line.ended("quick") == nil, "the slow one has its share")
        #expect(line.ended("slow0") == "slow2", "in the order in which they came")
    }

    @Test func inAllNoMoreAreToldThanMayAndHostsTakeTurns() {
        var line = line { ($0.told, $0.toldOfHost) = (2, 2) }
        for id in ["a0", "a1"] { #expect(line.add(id, host: "a") == true) }
        for (id, host) in [("b0", "b"), ("b1", "b"), ("c0", "c"), ("a2", "a")] {
            #expect(line.add(id, host: host) == false)
        }
        #expect(line.ended("a0") == "b0")
        #expect(line.ended("a1") == "c0")
        #expect(line.ended("b0") == "a2")
        #expect(line.ended("c0") == "b1")
        #expect(line.ended("a2") == nil)
        #expect(line.ended("b1") == nil)
        #expect(line.add("a0", host: "a") == true, "it may come again")
    }

    @Test func theLineIsBoundedInAllAndForEachHost() {
        var line = line { ($0.told, $0.toldOfHost, $0.waiting, $0.waitingOfHost) = (1, 1, 3, 2) }
        #expect(line.add("a0", host: "a") == true)
        for id in ["a1", "a2"] { #expect(line.add(id, host: "a") == false) }
        #expect(!line.admits("a3", host: "a") && line.admits("b0", host: "b"))
        for (id, host) in [("a3", "a"), ("b0", "b")] { #expect(line.add(id, host: host) == false) }
        #expect(!line.admits("c0", host: "c"))
        #expect(line.ended("a0") == "a1")
        #expect(line.ended("a1") == "b0")
        #expect(line.ended("b0") == "a2")
        #expect(line.ended("a2") == nil, "what had no room was not kept")
    }

    @Test func whatIsInLineIsNotTakenTwice() {
        var line = line { $0.told = 1 }
        #expect(line.add("a", host: "h") == true)
        #expect(line.add("b", host: "h") == false)
        for id in ["a", "b"] { #expect(!line.admits(id, host: "h")) }
        #expect(line.ended("a") == "b")
        for _ in 0..<2 { #expect(line.ended("b") == nil) }
    }
}
