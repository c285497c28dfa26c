import Logging
import Testing

@testable import Martlet
@testable import MartletNet

@Suite("What start-up says about open files")
struct OpenFilesRemarkTests {
    @Test("below 100,000 it names the two lines that lift the limit, above it says nothing", arguments: [
        (1024, true), (20_000, true), (99_999, true), (100_000, false), (1_048_576, false),
    ])
    func lines(hard: Int, isSaid: Bool) {
        let remedies = OpenFilesRemark.remedies(for: OpenFiles.Limit(soft: 1024, hard: hard))
        #expect((remedies != nil) == isSaid)
        guard let remedies else { return }
        #expect(remedies["limits.conf"] == "* hard nofile 1048576")
        #expect(remedies["systemd"] == "LimitNOFILE=1048576")
        #expect(remedies["hard"] == "\(hard)")
    }
}
