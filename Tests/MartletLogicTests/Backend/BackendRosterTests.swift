import MartletBase
import MartletLogic
import Testing

@Suite struct BackendRosterTests {
    private typealias Roster = BackendRoster<String>

    /// `a:8000` is the spec `a` at that port; instances have the slots 0, 1, ….
    private static func wanted(_ specs: String..., backend: String = "b") -> [Roster.Wanted] {
        specs.enumerated().map { index, spec in
            .init(
                slot: .init(backend: backend, index: index), spec: spec,
                port: spec.split(separator: ":").dropFirst().first.flatMap { Int($0) })
        }
    }

    /// One that serves `specs` under the ids 1, 2, ….
    private static func serving(_ specs: [Roster.Wanted]) -> Roster {
        var roster = Roster()
        _ = roster.adopt(specs)
        for id in 1...specs.count { _ = roster.ready(id) }
        return roster
    }

    private static func alive(_ roster: Roster) -> [Int] {
        roster.members.filter { $0.phase != .waiting }.map(\.id)
    }

    @Test func startsWhatIsWantedAndLeavesAloneWhatStays() {
        var roster = Roster()
        #expect(roster.adopt(Self.wanted("a", "a")) == [.start(1), .start(2)])
        #expect(roster.ready(1) == [])
        #expect(roster.adopt(Self.wanted("a", "a")) == [])
        #expect(roster.adopt(Self.wanted("a", "a", "a")) == [.start(3)])
        #expect(roster.members.map(\.id) == [1, 2, 3])
    }

    @Test func oneThatIsRenewedServesUntilItsHeirDoes() {
        var roster = Self.serving(Self.wanted("a", "a"))
        #expect(roster.renew(1) == [.start(3)])
        #expect(roster.renew(2) == nil, "one after the other")
        #expect(roster.renew(1) == nil && roster.renew(3) == nil, "one is to go, the other does not serve")
        #expect(roster.adopt(Self.wanted("a", "a")) == [], "the same configuration changes nothing of it")
        #expect(roster.ready(3) == [.letGo(1)])
        #expect(roster.renew(2) == [.start(4)])
        #expect(roster.members.map(\.id) == [3, 4, 1, 2])
        #expect(roster.adopt(Self.wanted("a")) == [.stop(4), .letGo(2)], "fewer are wanted")
    }

    @Test func theFormerServesUntilItsHeirDoes() {
        var roster = Self.serving(Self.wanted("a"))
        #expect(roster.adopt(Self.wanted("z")) == [.start(2)])
        #expect(roster.isHeirOfAnother(2))
        #expect(roster.members.map(\.isWanted) == [true, false])
        #expect(roster.ready(2) == [.letGo(1)])
        #expect(!roster.isHeirOfAnother(2))
        #expect(roster.ready(2) == [], "once more after a restart")
        #expect(roster.ended(1) == [])
        #expect(roster.members.map(\.id) == [2])
    }

    @Test func eachInstanceIsReplacedWhenItsOwnHeirServes() {
        var roster = Self.serving(Self.wanted("a", "a"))
        #expect(roster.adopt(Self.wanted("z", "z")) == [.start(3), .start(4)])
        #expect(roster.ready(4) == [.letGo(2)])
        #expect(roster.ready(3) == [.letGo(1)])
    }

    @Test func theFormerSpecComingBackKeepsItsProcess() {
        var roster = Self.serving(Self.wanted("a"))
        _ = roster.adopt(Self.wanted("bad"))
        #expect(roster.adopt(Self.wanted("a")) == [.stop(2)])
        #expect(roster.ended(2) == [])
        #expect(roster.members.map(\.id) == [1])
        #expect(roster.members.map(\.isWanted) == [true])
    }

    @Test func anotherReloadReplacesTheHeirThatNeverServed() {
        var roster = Self.serving(Self.wanted("a"))
        _ = roster.adopt(Self.wanted("bad"))
        #expect(roster.adopt(Self.wanted("z")) == [.stop(2)], "the third waits until the second is gone")
        #expect(Self.alive(roster) == [2, 1])
        #expect(roster.adopt(Self.wanted("y")) == [], "who waited is forgotten")
        #expect(roster.ended(2) == [.start(4)])
        #expect(roster.ready(4) == [.letGo(1)])
    }

    @Test func aThirdGenerationWaitsUntilTheFirstIsGone() {
        var roster = Self.serving(Self.wanted("a"))
        _ = roster.adopt(Self.wanted("z"))
        _ = roster.ready(2)
        #expect(roster.adopt(Self.wanted("y")) == [], "the first still ends its requests")
        #expect(roster.adopt(Self.wanted("a")) == [], "what leaves does not come back")
        #expect(roster.ended(1) == [.start(4)])
        #expect(roster.ready(4) == [.letGo(2)])
    }

    @Test func whatNobodyWantsIsLetGoOrStopped() {
        var roster = Self.serving(Self.wanted("a", "a"))
        #expect(roster.adopt(Self.wanted("a")) == [.letGo(2)])
        _ = roster.adopt(Self.wanted("z"))
        #expect(roster.adopt([]) == [.stop(3), .letGo(1)])
    }

    @Test func aPortThatBothNeedIsGivenUpFirst() {
        var roster = Self.serving(Self.wanted("a:8000"))
        #expect(roster.adopt(Self.wanted("z:8000")) == [.letGo(1)])
        #expect(roster.ready(1) == [], "too late")
        #expect(roster.ended(1) == [.start(2)])
    }

    @Test func portsThatMoveUpByOneAreGivenUpAsFarAsNeeded() {
        var roster = Self.serving(Self.wanted("a:8000", "a:8001"))
        #expect(roster.adopt(Self.wanted("z:8001", "z:8002")) == [.letGo(2), .start(4)])
        #expect(roster.ended(2) == [.start(3)])
        #expect(roster.ready(3) == [.letGo(1)])
    }

    @Test func aPortGoesFromOneBackendToAnother() {
        var roster = Self.serving(Self.wanted("a:8000"))
        #expect(roster.adopt(Self.wanted("a:8000", backend: "c")) == [.letGo(1)])
        #expect(roster.ended(1) == [.start(2)])
    }

    @Test func stopEndsAllAndStartsNoMore() {
        var roster = Self.serving(Self.wanted("a"))
        _ = roster.adopt(Self.wanted("z"))
        #expect(roster.stop() == [.stop(2), .stop(1)])
        #expect(roster.adopt(Self.wanted("y")) == [])
        #expect(roster.ready(2) == [])
        #expect(roster.ended(1) == [])
        #expect(roster.ended(2) == [])
        #expect(roster.members.count == 2, "for who looks at the end")
    }

    @Test func eventsAboutWhoIsNotThereChangeNothing() {
        var roster = Self.serving(Self.wanted("a"))
        #expect(roster.ready(7) == [])
        #expect(roster.ended(7) == [])
        #expect(!roster.isHeirOfAnother(7))
    }

    /// Whatever comes in whatever order: two processes in a slot at most, and who serves leaves only for one who does.
    @Test(arguments: 0..<200) func noSlotEverHoldsThree(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var roster = Roster()
        var isServing: Set<Int> = []
        for _ in 0..<60 {
            let actions: [Roster.Action]
            let pick = roster.members.filter { $0.phase != .waiting }.randomElement(using: &random)?.id ?? 1
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let names = (0..<2).map { _ in ["a", "z", "y"][Int.random(in: 0..<3, using: &random)] }
                actions = roster.adopt(Self.wanted(names[0], names[1]))
            case 1:
                guard roster.members.contains(where: { $0.id == pick && $0.phase == .leaving }) else { continue }
                actions = roster.ended(pick)
                isServing.remove(pick)
            default:
                if case .running? = roster.members.first(where: { $0.id == pick })?.phase { isServing.insert(pick) }
                actions = roster.ready(pick)
            }
            for slot in Dictionary(grouping: roster.members, by: \.wanted.slot).values {
                let processes = slot.count { $0.phase != .waiting }
                #expect(processes <= 2)
                #expect(slot.count(where: \.isWanted) <= 1)
            }
            for case .letGo(let id) in actions {
                let slot = roster.members.first { $0.id == id }?.wanted.slot
                #expect(roster.members.contains { $0.wanted.slot == slot && $0.id != id && isServing.contains($0.id) })
            }
        }
    }
}
