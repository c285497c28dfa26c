import Synchronization
import Testing

@testable import MartletTasks

@Suite struct SyncHookTests {
    @Test("A million commits need no more stack than one")
    func calledVeryOften() {
        let hook = SyncHook()
        let last = Atomic<UInt64>(0)
        hook.call(1)
        #expect(last.load(ordering: .relaxed) == 0, "nobody listens yet")
        hook.set { last.store($0, ordering: .relaxed) }
        for sequence in 1...1_000_000 as ClosedRange<UInt64> { hook.call(sequence) }
        #expect(last.load(ordering: .relaxed) == 1_000_000)
    }
}
