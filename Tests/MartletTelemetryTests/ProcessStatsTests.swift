import Foundation
import Glibc
@testable import MartletTelemetry
import Testing

@Suite struct ProcessStatsTests {
    @Test func theCommandsNameCannotShiftTheFields() throws {
        let fields = (3...52).map { $0 == 14 ? "250" : $0 == 15 ? "50" : $0 == 22 ? "1000" : "\($0)" }
        let stat = "42 (a) b (c 9 9) " + fields.joined(separator: " ")
        let stats = try #require(
            ProcessStats(stat: stat, statm: "9 7 1", system: "cpu 1\nbtime 1700000000\n", descriptors: [.pipe: 2]))
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        #expect(stats.userSeconds == 250 / ticks)
        #expect(stats.systemSeconds == 50 / ticks)
        #expect(stats.startSecondsSince1970 == 1_700_000_000 + 1000 / ticks)
        #expect(stats.residentBytes == 7 * sysconf(Int32(_SC_PAGESIZE)))
        #expect(stats.openDescriptors == 2)
    }

    @Test func textThatIsNotWhatTheKernelWritesIsRefused() {
        for stat in ["", "42", "42 (a) R", "42 (a) " + String(repeating: "x ", count: 50)] {
            #expect(ProcessStats(stat: stat, statm: "1 1", system: "btime 1\n", descriptors: [:]) == nil)
        }
    }

    @Test func thisProcessIsSeen() throws {
        let stats = try #require(ProcessStats.now())
        #expect(stats.residentBytes > 1 << 20)
        #expect(stats.maximumDescriptors > 0)
        #expect(abs(stats.startSecondsSince1970 - Date().timeIntervalSince1970) < 24 * 3600)
        #expect(stats.openDescriptors > 0)
    }

    @Test(arguments: [
        ("socket:[81]", FDKind.socket), ("pipe:[7]", .pipe), ("anon_inode:[eventpoll]", .epoll),
        ("anon_inode:[eventfd]", .eventfd), ("anon_inode:[eventfd:12]", .eventfd), ("anon_inode:[timerfd]", .timerfd),
        ("/tmp/a (deleted)", .file), ("anon_inode:[pidfd]", .other), ("", .other),
    ])
    func linksSayWhatADescriptorIs(link: String, kind: FDKind) {
        #expect(FDKind(link: link) == kind)
    }

    /// Other tests run in this process too: what is asked is that a number of descriptors is found, not how many more.
    @Test func openDescriptorsAreFound() {
        var opened: [Int32] = []
        defer { opened.forEach { close($0) } }
        for _ in 0..<20 {
            var ends: [Int32] = [-1, -1]
            #expect(unsafe pipe(&ends) == 0)  // SAFETY: fills the two places it is given.
            opened += ends
        }
        #expect(FDKind.census()[.pipe, default: 0] >= 40)
    }
}
