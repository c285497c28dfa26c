import MartletBase
import MartletLogic
import Testing

/// One that expectations may change.
private final class Space {
    private var space: ArenaSpace

    init(size: Int) { space = ArenaSpace(size: size) }

    var size: Int { space.size }
    var usedBytes: Int { space.usedBytes }
    var isEmpty: Bool { space.isEmpty }

    func allocate(_ length: Int) -> ArenaSpace.Block? { space.allocate(length) }

    @discardableResult
    func release(_ block: ArenaSpace.Block, generation: UInt32? = nil, offset: Int? = nil) -> Bool {
        space.release(offset: offset ?? block.offset, generation: generation ?? block.generation)
    }
}

/// Where bodies lie in shared memory.
@Suite struct ArenaSpaceTests {
    @Test func theFirstPlaceThatIsLargeEnoughIsTaken() throws {
        let space = Space(size: 40_960)
        let blocks = try (0..<3).map { _ in try #require(space.allocate(10_000)) }
        #expect(blocks.map(\.offset) == [0, 12_288, 24_576])
        #expect(space.usedBytes == 30_000)
        #expect(space.allocate(10_000) == nil)
        space.release(blocks[1])
        #expect(space.allocate(12_289) == nil, "no gap is so wide")
        #expect(space.allocate(12_288)?.offset == 12_288)
        #expect(space.allocate(4096)?.offset == 36_864, "up to the very end")
    }

    @Test func whatDoesNotFitAtAllIsRefused() {
        let space = Space(size: 8192)
        for length in [Int.min, -1, 0, 8193, Int.max] { #expect(space.allocate(length) == nil) }
        #expect(space.allocate(8192)?.offset == 0)
    }

    @Test func aReleaseThatComesTwiceOrLateFreesNothing() throws {
        let space = Space(size: 8192)
        let first = try #require(space.allocate(5000))
        #expect(space.release(first))
        #expect(!space.release(first))
        let second = try #require(space.allocate(5000))
        #expect(second.offset == first.offset)
        #expect(!space.release(first))
        #expect(!space.release(second, offset: 1))
        #expect(space.usedBytes == 5000)
    }

    @Test(arguments: UInt64(1)...50) func bodiesNeverOverlapAndNothingIsLost(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let space = Space(size: 1 << 20)
        var live: [ArenaSpace.Block] = []
        for _ in 0..<400 {
            if random.next() % 3 < 2, let block = space.allocate(1 + Int(random.next() % 200_000)) {
                let range = block.offset..<block.offset + block.length
                #expect(range.upperBound <= space.size)
                #expect(!live.contains { ($0.offset..<$0.offset + $0.length).overlaps(range) })
                #expect(!live.contains { $0.generation == block.generation })
                live.append(block)
            } else if !live.isEmpty {
                let block = live.remove(at: Int(random.next() % UInt64(live.count)))
                #expect(!space.release(block, generation: block.generation &+ 1))
                #expect(space.release(block))
            }
            #expect(space.usedBytes == live.reduce(0) { $0 + $1.length })
        }
        for block in live { space.release(block) }
        #expect(space.isEmpty && space.allocate(1 << 20)?.offset == 0)
    }
}
