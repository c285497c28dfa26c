import Foundation
import MartletNet
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct ChildSocketTests {
    private let recorder = LineRecorder()

    private func run(_ program: String, on socket: ChildSocket) async -> ChildExit {
        let line = "import os, socket, sys, time; line = socket.socket(fileno=0)\n"
        let command = ChildCommand(arguments: ["python3", "-u", "-c", line + program])
        return await ChildProcess(command).run(
            input: socket.childs, onStart: recorder.started, onLine: recorder.record)
    }

    @Test func carriesBytesBothWaysUntilTheChildEnds() async throws {
        let socket = try ChildSocket()
        let peer = try await SocketPeer(socket)
        async let exit = run("line.sendall(b'up'); line.sendall(line.recv(100).upper())", on: socket)
        var reads = peer.reads.makeAsyncIterator()
        #expect(await reads.next() == "up")
        try await peer.send("down")
        #expect(await reads.next() == "DOWN")
        #expect(await reads.next() == nil)
        #expect(await exit == .exited(code: 0))
    }

    @Test func isAllThatTheChildHasOfOurs() async throws {
        let (socket, other) = (try ChildSocket(), try ChildSocket())
        defer { other.ours.close() }
        let peer = try await SocketPeer(socket)
        async let exit = run("print('up'); line.recv(1)", on: socket)
        #expect(await Processes.eventually { recorder.all == ["stdout up"] })
        let descriptors = try Processes.descriptors(of: #require(recorder.pid))
        #expect(descriptors.keys.sorted() == [0, 1, 2])
        #expect(descriptors[0]?.hasPrefix("socket:") == true)
        #expect(socket.childs.value == nil, "ours of the child's end is closed")
        try await peer.channel.close()
        #expect(await exit == .exited(code: 0))
    }

    @Test func tellsTheChildOfOurEnd() async throws {
        let socket = try ChildSocket()
        let peer = try await SocketPeer(socket)
        async let exit = run("line.sendall(b'up'); print(line.recv(1))", on: socket)
        var reads = peer.reads.makeAsyncIterator()
        #expect(await reads.next() == "up")
        try await peer.channel.close()
        #expect(await exit == .exited(code: 0))
        #expect(recorder.all == ["stdout b''"])
    }

    @Test func bringsWhatTheChildSaidLastThoughItLeftBytesUnread() async throws {
        let socket = try ChildSocket()
        let peer = try await SocketPeer(socket)
        try await peer.send("never read")
        async let exit = run("line.sendall(b'last words'); os.kill(os.getpid(), 9)", on: socket)
        #expect(await peer.reads.reduce("", +) == "last words")
        #expect(await exit == .signalled(SIGKILL))
    }

    @Test func endsWhenTheChildNeverStarted() async throws {
        let socket = try ChildSocket()
        let peer = try await SocketPeer(socket)
        let child = ChildProcess(ChildCommand(arguments: ["no-such-command"]))
        let exit = await child.run(input: socket.childs, onStart: { _ in }, onLine: { _, _ in })
        #expect(exit == .exited(code: 127))
        #expect(await peer.reads.reduce("", +) == "")
    }

    @Test func givesEveryDescriptorBack() async {
        // In a process of its own: other tests open and close descriptors meanwhile.
        await #expect(processExitsWith: .success) {
            func run(_ program: [String]) async throws -> Int {
                let socket = try ChildSocket()
                let child = ChildProcess(ChildCommand(arguments: program))
                _ = await child.run(input: socket.childs, onStart: { _ in }, onLine: { _, _ in })
                socket.ours.close()
                return try Processes.descriptors(of: getpid()).count
            }
            let baseline = try await run(["true"])
            for program in [["true"], ["false"], ["no-such-command"], ["sh", "-c", "kill -9 $$"]] {
                let now = try await run(program)
                precondition(now == baseline, "\(program): \(now) descriptors, \(baseline) before")
            }
            _ = try (0..<3).map { _ in try ChildSocket() }
            let now = try Processes.descriptors(of: getpid()).count
            precondition(now == baseline, "\(now) descriptors after sockets that nobody used, \(baseline) before")
        }
    }
}
