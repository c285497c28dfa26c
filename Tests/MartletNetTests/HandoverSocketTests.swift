import Foundation
import Glibc
import MartletBase
import MartletNet
import Testing

@Suite("Handover socket", .timeLimit(.minutes(1)))
struct HandoverSocketTests {
    @Test("more descriptors than the line holds arrive, in order, at somebody who takes them")
    func manyGifts() throws {
        let (parent, child) = try HandoverSocket.pair()
        let count = 1000
        // Threads that wait: none of those that all tests share.
        Thread.detachNewThread {
            for number in 0..<count {
                try? parent.send(.keep("\(number)"), with: STDIN_FILENO, until: .current + .seconds(30))
            }
            try? parent.send(.allGiven, until: .current + .seconds(30))
            parent.close()
        }
        var taken = 0
        while let received = child.receive(waits: true), received.message != .allGiven {
            #expect(received.message == .keep("\(taken)"))
            let file = try #require(received.descriptor)
            close(file)
            taken += 1
        }
        #expect(taken == count)
        child.close()
    }

    @Test("a line that nobody reads is given up after a while, one whose other end is gone at once")
    func nobodyReads() throws {
        let (parent, child) = try HandoverSocket.pair()
        #expect(throws: (any Error).self) {
            for _ in 0..<10_000 { try parent.send(.ready, until: .current + .milliseconds(20)) }
        }
        child.close()
        let start = ContinuousClock.now
        #expect(throws: (any Error).self) { try parent.send(.ready, until: .current + .seconds(30)) }
        #expect(ContinuousClock.now - start < .seconds(10))
        parent.close()
    }
}
