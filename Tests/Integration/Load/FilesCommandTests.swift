import Foundation
import MartletTools
import Testing

/// `martlet fds` sees what processes really hold.
@Suite(.serialized, .timeLimit(.minutes(1))) struct FilesCommandTests {
    /// Holds six files, a pipe and a socket that its peer has left; its child holds one file.
    private static let holder = """
        import os, select, socket, subprocess, sys, tempfile
        files = [open(sys.argv[1]) for _ in range(6)]
        pipe = os.pipe()
        poll = select.epoll()
        server = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(server.getsockname())
        held, _ = server.accept()
        client.close()
        held.recv(1)
        child = subprocess.Popen(["sleep", "60"], stdin=files[0], stdout=subprocess.DEVNULL)
        print("ready", flush=True)
        sys.stdin.read()
        child.kill()
        """

    private struct Report: Decodable {
        struct Group: Decodable {
            var what: String
            var count: Int
        }
        struct Process: Decodable {
            var pid: Int32
            var name: String
            var open: Int?
            var limit: Int?
            var kinds: [String: Int]
            var sockets: [String: Int]
            var most: [Group]
            var closeWait: [Group]
        }
        var processes: [Process]

        init(_ text: String) throws {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            self = try decoder.decode(Report.self, from: Data(text.utf8))
        }
    }

    @Test func WhatAProcessAndItsChildHoldIsListed() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "held-\(UUID().uuidString)")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", Self.holder, file.path]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        defer { process.terminate() }
        #expect(try output.fileHandleForReading.read(upToCount: 5) == Data("ready".utf8))

        let pid = "\(process.processIdentifier)"
        let report = try Report(try await CommandRun.martlet("fds", pid, "--json").output)
        let holder = try #require(report.processes.first)
        #expect(holder.pid == process.processIdentifier)
        #expect(holder.kinds["epoll"] == 1)
        #expect(holder.sockets["listen"] == 1)
        #expect(holder.sockets["close_wait"] == 1)
        #expect(holder.most.contains { $0.what == file.path && $0.count == 6 })
        #expect(holder.closeWait.first?.count == 1)
        #expect(holder.closeWait.first?.what.contains("127.0.0.1") == true)
        #expect(holder.kinds.values.reduce(0, +) == holder.open)
        let child = try #require(report.processes.dropFirst().first)
        #expect(child.name == "sleep")
        #expect(child.kinds["file"] ?? 0 >= 2)

        let text = try await CommandRun.martlet("fds", pid).output
        #expect(text.contains("CLOSE_WAIT"))
        #expect(text.contains(" 6  \(file.path)"))
    }

    @Test func ARunningMartletIsFoundByItsConsoleParentIncluded() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, _ in
            let peer = try await Peer.connect(martlet.publicPort)
            try await peer.send("GET /x HTTP/1.1\r\nHost: a\r\nx-mock-fault: hang\r\n\r\n")
            try await until("the request to be there") { try await martlet.status().connections.upstreamActive == 1 }
            let console = "http://127.0.0.1:\(martlet.consolePort)"
            let report = try Report(try await CommandRun.martlet("fds", console, "--json").output)
            #expect(report.processes.map(\.pid) == [martlet.processID, try martlet.servingID])
            let serving = try #require(report.processes.last)
            #expect(serving.sockets["listen"] == 2)
            #expect(serving.sockets["established"] ?? 0 >= 2)
            #expect(serving.closeWait.isEmpty)
            await peer.close()
        }
    }

    @Test func WhatIsNotThereIsSaidPlainly() async throws {
        let nobody = try await CommandRun.martlet("fds", "http://127.0.0.1:1")
        #expect(nobody.status == 1)
        #expect(nobody.output.contains("no console answers"))
        let gone = try await CommandRun.martlet("fds", "2147483646")
        #expect(gone.status == 1)
        #expect(gone.output.contains("there is no process"))
        #expect(try await CommandRun.martlet("fds", "http://192.0.2.1:8081").output.contains("not on this machine"))
    }
}
