import MartletLogic
import Testing

@Suite struct FairQueueTests {
    private func order(_ queue: inout FairQueue<String>, _ count: Int = .max) -> [String] {
        var order: [String] = []
        while order.count < count, let next = queue.popFirst() { order.append(next) }
        return order
    }

    @Test func withOneKeyItIsFirstInFirstOut() {
        var queue = FairQueue<String>()
        for number in 0..<200 { queue.add("\(number)") }
        #expect(order(&queue) == (0..<200).map(String.init))
        #expect(queue.isEmpty)
    }

    @Test func whoeverFloodsItStandsBehindItself() {
        var queue = FairQueue<String>()
        for _ in 0..<100 { queue.add("x", key: "x") }
        #expect(order(&queue, 10).count == 10)
        queue.add("y", key: "y")
        queue.add("y", key: "y")
        // The new key begins where the queue is, neither before what was served nor behind the flood.
        #expect(order(&queue, 4).filter { $0 == "y" }.count == 2)
    }

    @Test func aFloodOfNewKeysHoldsNobodyUpForLongerThanARound() {
        var queue = FairQueue<String>()
        for number in 0..<50 { queue.add("new", key: "n\(number)") }
        for _ in 0..<3 { queue.add("old", key: "old") }
        var served: [String] = []
        for number in 50..<400 {
            queue.add("new", key: "n\(number)")
            served += order(&queue, 1)
        }
        // It had three, and is served once in each round of some fifty.
        #expect(served.count { $0 == "old" } == 3)
    }

    @Test func weightsAreShares() {
        var queue = FairQueue<String>()
        for _ in 0..<300 {
            queue.add("heavy", key: "heavy", weight: 3)
            queue.add("light", key: "light")
        }
        let served = order(&queue, 200)
        #expect((149...151).contains(served.count { $0 == "heavy" }))
    }

    @Test func costsCount() {
        var queue = FairQueue<String>()
        for _ in 0..<100 {
            queue.add("long", key: "long", cost: 4)
            queue.add("short", key: "short")
        }
        #expect((39...41).contains(order(&queue, 50).count { $0 == "short" }))
    }

    @Test func sharesThatAreNoNumbersDoNotBreakTheOrder() {
        var queue = FairQueue<String>()
        for weight in [Double.nan, -1, 0, .infinity] { queue.add("x", key: "x", weight: weight, cost: .nan) }
        queue.add("y", key: "y")
        #expect(order(&queue).count == 5)
    }

    @Test func keysThatWereServedAreForgotten() {
        var queue = FairQueue<String>()
        queue.add("stays", key: "first")
        for number in 0..<20_000 {
            queue.add("x", key: "\(number)")
            if number > 50 { _ = queue.popFirst() }
        }
        #expect(queue.rememberedKeys < 1000)
    }
}
