import MartletNet
import NIOPosix
import Synchronization
import Testing

@Suite("Looks", .timeLimit(.minutes(1)))
struct LooksTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test("who waits is told of the look that finds something, and not of those before it")
    func tellsOfFinds() async {
        let looks = Atomic(0)
        let finds = loop.finds(every: .milliseconds(1)) { looks.add(1, ordering: .relaxed).newValue == 3 }
        for await _ in finds { break }
        #expect(looks.load(ordering: .relaxed) >= 3)
    }

    @Test("looks end with the one who reads of them")
    func endWithTheirReader() async {
        let (looking, end) = AsyncStream.makeStream(of: Void.self)
        do {
            let token = Token { end.finish() }
            for await _ in loop.finds(every: .milliseconds(1), { token.isHeld }) { break }
        }
        for await _ in looking {}
    }

    /// Says when nobody has it any more.
    private final class Token: Sendable {
        let isHeld = true
        private let gone: @Sendable () -> Void

        init(gone: @escaping @Sendable () -> Void) { self.gone = gone }

        deinit { gone() }
    }
}
