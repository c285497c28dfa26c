import NIOCore
import Testing

@testable import MartletNet

@Suite struct ResolutionDiffTests {
    enum Step { case answer(String), failed }
    struct Failed: Error {}

    /// Each letter is an address; the expected change is written `+ab-c`.
    @Test(arguments: [
        ([Step.answer("ab")], "+ab", "ab"),
        ([.answer("ab"), .answer("ab")], "", "ab"),
        ([.answer("ab"), .answer("a")], "", "ab"),
        ([.answer("ab"), .answer("a"), .answer("a")], "-b", "a"),
        ([.answer("ab"), .answer("a"), .answer("ab"), .answer("a")], "", "ab"),
        ([.answer("ab"), .answer("a"), .answer("ab"), .answer("a"), .answer("a")], "-b", "a"),
        ([.answer("ab"), .answer("a"), .failed, .answer("a")], "-b", "a"),
        ([.answer("ab"), .failed, .failed, .failed], "", "ab"),
        ([.answer("ab"), .answer(""), .answer("")], "", "ab"),
        ([.answer("ab"), .answer("c")], "+c", "abc"),
        ([.answer("ab"), .answer("c"), .answer("c")], "-ab", "c"),
        ([.answer("a"), .answer("b"), .answer("b"), .answer("a")], "+a", "ba"),
        ([.answer("aa")], "+a", "a"),
        ([.failed], "", ""),
        ([.failed, .answer("a")], "+a", "a"),
    ])
    func followsTheTable(steps: [Step], lastChange: String, finally: String) throws {
        var diff = ResolutionDiff()
        var change = ResolutionDiff.Change()
        for step in steps {
            switch step {
            case .answer(let letters): change = diff.next(Result<_, Failed>.success(try letters.map(address)))
            case .failed: change = diff.next(Result<_, Failed>.failure(Failed()))
            }
        }
        let parts = lastChange.split(separator: "-", omittingEmptySubsequences: false)
        #expect(change.added == (try parts.first?.dropFirst().map(address) ?? []))
        #expect(change.removed == (try parts.dropFirst().first?.map(address) ?? []))
        #expect(change.isEmpty == lastChange.isEmpty)
        #expect(diff.addresses == (try finally.map(address)))
    }

    private func address(_ letter: Character) throws -> SocketAddress {
        try SocketAddress(ipAddress: "10.0.0.\(letter.asciiValue ?? 0)", port: 80)
    }
}
