import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What Martlet writes to disk may fail: it serves on, says so once, and makes up for it when the trouble is over.
@Suite(.serialized, .timeLimit(.minutes(1))) struct WritingTests {
    @Test func ALogThatCannotBeOpenedAgainIsOpenedLater() async throws {
        try await withMocks(1) { mocks in
            let configuration = onePool(mocks.targets(), more: "access_log: \"{dir}/access\"\n")
            try await withMartlet(configuration) { martlet in
                let log = martlet.directory.appending(path: "access")
                let tracer = try await Tracer.start(try martlet.servingID, "openat:error=EMFILE")
                try FileManager.default.moveItem(at: log, to: martlet.directory.appending(path: "access.1"))
                kill(martlet.processID, SIGHUP)
                try await until("the log to be missed") { martlet.log().contains("not opened again") }
                try await martlet.get().expect(200)
                try await until("the line") { martlet.written(to: "access.1").contains("\"path\":\"/x\"") }
                tracer.stop()
                try await until("the log") { FileManager.default.fileExists(atPath: log.path) }
                try await until("a word of it") { martlet.log().contains("the access log is well again") }
                #expect(martlet.log().components(separatedBy: "trouble with the access log").count == 2)
            }
        }
    }

    @Test func ACensusThatCannotBeWrittenIsWrittenLater() async throws {
        try await withMocks(1) { mocks in
            let few = ["/usr/bin/prlimit", "--nofile=256:256"]
            try await withMartlet(onePool(mocks.targets()), under: few) { martlet in
                let tracer = try await Tracer.start(try martlet.servingID, "openat:error=ENFILE")
                var held: [Peer] = []
                for _ in 0..<80 {
                    let peer = try await Peer.connect(martlet.publicPort)
                    try await peer.send("GET /x HTTP/1.1\r\nHost: a\r\nx-mock-fault: hang\r\n\r\n")
                    held.append(peer)
                }
                try await until("the census to be missed") { martlet.log().contains("no census was written") }
                tracer.stop()
                let folder = martlet.directory.appending(path: ".martlet/state").path
                try await until("a census") {
                    let files = try? FileManager.default.contentsOfDirectory(atPath: folder)
                    return files?.contains { $0.hasPrefix("census-") } == true
                }
                for peer in held { await peer.close() }
            }
        }
    }

    @Test(.inOwnNetwork) func AFullDiskCostsLinesAndNothingElse() async throws {
        try await withMocks(1) { mocks in
            let configuration = onePool(mocks.targets(), more: "access_log: \"{dir}/small/access\"\n")
            let mount = """
                mkdir {dir}/small && mount -t tmpfs -o size=64k none {dir}/small && exec "$0" "$@"
                """
            try await withMartlet(configuration, under: ["/usr/bin/unshare", "--mount", "sh", "-c", mount]) { martlet in
                // The small disk is seen by the process only.
                let disk = "/proc/\(try martlet.servingID)/root\(martlet.directory.path)/small"
                try Self.fill(disk)
                var asked = 0
                func ask(_ count: Int) async throws {
                    for _ in 0..<count {
                        try await martlet.get().expect(200)
                        asked += 1
                    }
                }
                func lost() async throws -> Int {
                    Int(try await martlet.metrics().sum("martlet_log_lines_dropped_total", ["log": "access"]))
                }
                try await until("lines to be lost") {
                    try await ask(20)
                    return try await lost() > 0
                }
                try await until("a word of it") { martlet.log().contains("No space left on device") }
                try FileManager.default.removeItem(atPath: "\(disk)/filler")
                try await until("the log to be well again") {
                    try await ask(1)
                    return martlet.log().contains("the access log is well again")
                }
                try await until("every line to be there or counted") {
                    try await lost() + Self.lines(disk) == asked
                }
                #expect(martlet.log().components(separatedBy: "trouble with the access log").count == 2)
            }
        }
    }

    /// Leaves room for a few lines.
    private static func fill(_ disk: String) throws {
        try Data().write(to: URL(fileURLWithPath: "\(disk)/filler"))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(disk)/filler"))
        var pages: UInt64 = 0
        while (try? file.write(contentsOf: Data(repeating: 0, count: 4096))) != nil { pages += 1 }
        try file.truncate(atOffset: (pages - 1) * 4096)
        try file.close()
    }

    /// Whole lines of the access log.
    private static func lines(_ disk: String) throws -> Int {
        let text = try String(contentsOfFile: "\(disk)/access", encoding: .utf8)
        return text.components(separatedBy: "\n").count { line in
            (try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil
        }
    }
}
