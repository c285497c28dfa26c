import MartletBase
import MartletLogic
import Testing

struct ClientTableTests {
    @Test func aClientHoldsSoManyConnectionsAndNoMore() {
        var table = ClientTable(.init(connections: 2))
        #expect(table.opened(1, now: at(0)) == true)
        #expect(table.opened(1, now: at(0)) == true)
        #expect(table.opened(1, now: at(0)) == false)
        #expect(table.opened(2, now: at(0)) == true, "the bound is each client's own")
        table.closed(1)
        #expect(table.opened(1, now: at(0)) == true)
    }

    @Test func aClientOpensSoManyInASecondAfterOneBurst() {
        var table = ClientTable(.init(perSecond: 10))
        func open(_ count: Int, at now: Instant) -> Int {
            (0..<count).count { _ in
                defer { table.closed(1) }
                return table.opened(1, now: now)
            }
        }
        #expect(open(100, at: at(0)) == 10)
        #expect(open(100, at: at(0.5)) == 5)
        #expect(open(100, at: at(60)) == 10)
    }

    @Test func withoutBoundsNothingIsRefusedOrRemembered() {
        var table = ClientTable(.init())
        for _ in 0..<1_000 { #expect(table.opened(1, now: at(0)) == true) }
        for _ in 0..<1_000 { table.closed(1) }
        #expect(table.count == 0)
    }

    @Test func addressesThatHoldNothingAreForgotten() {
        var table = ClientTable(.init(perSecond: 10))
        for key in 0..<20_000 {
            #expect(table.opened(UInt128(key), now: at(Double(key) / 1_000)) == true)
            table.closed(UInt128(key))
        }
        #expect(table.count < 6_000)
    }

    @Test func theLargestClientsComeFirst() {
        var table = ClientTable(.init(connections: 10))
        for _ in 0..<3 { #expect(table.opened(7, now: at(0)) == true) }
        for _ in 0..<2 { #expect(table.opened(8, now: at(0)) == true) }
        #expect(table.opened(9, now: at(0)) == true)
        #expect(table.largest(2).map(\.key) == [7, 8])
        #expect(table.largest(2).map(\.open) == [3, 2])
    }
}
