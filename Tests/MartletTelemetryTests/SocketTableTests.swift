@testable import MartletTelemetry
import Testing

@Suite struct SocketTableTests {
    private static let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    private static let tail = "00000000:00000000 00:00000000 00000000     0        0"

    @Test(arguments: [
        ("0100007F:1F90 00000000:0000 0A", "listen", "127.0.0.1:8080", ""),
        ("0200000A:C350 0300000A:1F40 01", "established", "10.0.0.2:50000", "10.0.0.3:8000"),
        ("0100007F:1F90 0100007F:C350 08", "close_wait", "127.0.0.1:8080", "127.0.0.1:50000"),
        ("00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A", "listen",
            "[0:0:0:0:0:0:0:1]:80", ""),
        ("0000000000000000FFFF00000100007F:0050 0000000000000000FFFF00000200007F:0051 06", "time_wait", "127.0.0.1:80",
            "127.0.0.2:81"),
    ])
    func linesOfTheKernelAreRead(line: String, state: String, local: String, remote: String) {
        let table = SocketTable(tcp: "\(Self.header)   0: \(line) \(Self.tail) 4711 1 0 100 0 0 10 0\n", unix: "")
        #expect(
            table["socket:[4711]"] == SocketTable.Socket(family: "tcp", state: state, local: local, remote: remote))
        #expect(table["socket:[4712]"] == nil)
    }

    @Test func unixSocketsAreRead() {
        let unix = """
            Num       RefCount Protocol Flags    Type St Inode Path
            0000000000000000: 00000002 00000000 00010000 0001 01 11 /run/a socket
            0000000000000000: 00000003 00000000 00000000 0001 03 12
            """
        let table = SocketTable(tcp: "", unix: unix)
        #expect(table["socket:[11]"]?.state == "listen")
        #expect(table["socket:[11]"]?.local == "/run/a socket")
        #expect(table["socket:[12]"]?.state == "established")
    }

    @Test(arguments: ["", "\n\n", "sl\n x\n", "sl\n 0: 1 2 zz 4 5 6 7 8 9 10\n", "sl\n 0: : : 01 4 5 6 7 8 9\n"])
    func whatTheKernelWouldNotWriteIsPassedOver(text: String) {
        _ = SocketTable(tcp: text, unix: text)
    }

    @Test func aFamilyIsAllThatAProcessStarted() {
        let table = ProcessTable([
            .init(pid: 10, parent: 1, name: "martlet"), .init(pid: 12, parent: 10, name: "python"),
            .init(pid: 11, parent: 10, name: "martlet"), .init(pid: 13, parent: 11, name: "sh"),
            .init(pid: 20, parent: 1, name: "other"),
        ])
        #expect(table.family(of: 10).map(\.pid) == [10, 11, 12, 13])
        #expect(table.family(of: 99).isEmpty)
    }

    @Test func aNameWithParenthesesHidesNothing() throws {
        let entry = try #require(ProcessTable.Entry(pid: 7, stat: "7 (a) R 1 (x)) S 42 7 7 0"))
        #expect(entry.parent == 42)
        #expect(entry.name == "a) R 1 (x)")
        #expect(ProcessTable.Entry(pid: 7, stat: "7") == nil)
        #expect(ProcessTable.Entry(pid: 7, stat: ")(") == nil)
    }

    @Test func theLimitIsTheSoftOne() {
        #expect(HeldFiles.limit("Limit  Soft\nMax open files            256                  4096       files\n") == 256)
        #expect(HeldFiles.limit("Max open files            unlimited            unlimited  files\n") == nil)
    }
}
