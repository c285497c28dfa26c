import MartletWire
import Testing

@testable import MartletWorkers

@Suite("The credit of an answer") struct WorkerCreditTests {
    private var credit = WorkerCredit()

    @Test("is 64 chunks until more is granted")
    mutating func chunks() {
        let first = (0..<64).map { _ in credit.spend(chunks: 1, bytes: 1) }
        #expect(!first.contains(false))
        let next = credit.spend(chunks: 1, bytes: 1)
        #expect(!next)
    }

    @Test("is 256 KiB until more is granted, which the last chunk may overdraw")
    mutating func bytes() {
        let all = credit.spend(chunks: 3, bytes: 256 << 10)
        let over = credit.spend(chunks: 1, bytes: WorkerProtocol.payloadBytes)
        let beyond = credit.spend(chunks: 1, bytes: 1)
        #expect(all && over && !beyond)
    }

    @Test("comes back once half of it was taken, all that was taken at once")
    mutating func grants() {
        _ = credit.spend(chunks: 40, bytes: 4000)
        credit.take(chunks: 31, bytes: 3100)
        let early = credit.grant()
        #expect(early == nil)
        credit.take(chunks: 1, bytes: 100)
        let grant = credit.grant()
        #expect(grant?.chunks == 32 && grant?.bytes == 3200)
        let again = credit.grant()
        #expect(again == nil)
        let rest = credit.spend(chunks: 56, bytes: 1)
        let beyond = credit.spend(chunks: 1, bytes: 1)
        #expect(rest && !beyond)
    }

    @Test("of bytes comes back without chunks")
    mutating func bytesAlone() {
        _ = credit.spend(chunks: 2, bytes: 300 << 10)
        credit.take(bytes: 128 << 10)
        let grant = credit.grant()
        #expect(grant?.chunks == 0 && grant?.bytes == 128 << 10)
    }
}
