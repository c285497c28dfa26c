import Foundation
import Glibc
import MartletBase
import MartletTelemetry
import Testing

@Suite struct LogSinkTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func linesAppendToAFileInOrder() throws {
        try TemporaryFile.use { path in
            try "old\n".write(toFile: path, atomically: true, encoding: .utf8)
            let sink = try LogSink(.file(path))
            for number in 0..<100 { sink.offer(bytes("\(number)\n"), lines: 1) }
            #expect(sink.flush(within: .seconds(10)))
            let expected = "old\n" + (0..<100).map { "\($0)\n" }.joined()
            #expect(try String(contentsOfFile: path, encoding: .utf8) == expected)
            #expect(sink.dropped == 0)
        }
    }

    @Test func aRotatedFileIsOpenedAgain() throws {
        try TemporaryFile.use { path in
            let sink = try LogSink(.file(path))
            sink.offer(bytes("before\n"), lines: 1)
            #expect(sink.flush(within: .seconds(10)))
            try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
            sink.reopen()
            sink.offer(bytes("after\n"), lines: 1)
            #expect(sink.flush(within: .seconds(10)))
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "after\n")
            #expect(try String(contentsOfFile: path + ".1", encoding: .utf8) == "before\n")
        }
    }

    /// A process that was killed in the middle of a line, a disk that was full.
    @Test func whatWasLeftOfALineIsEndedFirstAlsoAfterOpeningTheSameFileAgain() throws {
        try TemporaryFile.use { path in
            try "left".write(toFile: path, atomically: true, encoding: .utf8)
            let sink = try LogSink(.file(path))
            sink.offer(bytes("a\n"), lines: 1)
            #expect(sink.flush(within: .seconds(10)))
            let other = try #require(FileHandle(forWritingAtPath: path))
            try other.seekToEnd()
            try other.write(contentsOf: Data("half".utf8))
            try other.close()
            sink.reopen()
            sink.offer(bytes("b\n"), lines: 1)
            #expect(sink.flush(within: .seconds(10)))
            sink.reopen()
            sink.offer(bytes("c\n"), lines: 1)
            #expect(sink.flush(within: .seconds(10)))
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "left\na\nhalf\nb\nc\n")
        }
    }

    /// However far behind the writer is: what came before a rotation goes into the former file, later lines do not.
    @Test func aRotationHasItsPlaceAmongTheLines() throws {
        try TemporaryFile.use { path in
            #expect(unsafe mkfifo(path, 0o600) == 0)  // SAFETY: the path lives through the call.
            // SAFETY: as above.
            let reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            let sink = try LogSink(.file(path))
            let first = [UInt8](repeating: 120, count: 1 << 20) + [10]
            sink.offer(first, lines: 1)
            var wanted = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            #expect(unsafe poll(&wanted, 1, 10_000) == 1)  // SAFETY: one structure, as the count says.
            try FileManager.default.removeItem(atPath: path)
            sink.reopen()
            sink.offer(bytes("second\n"), lines: 1)
            var read = 0
            var chunk = [UInt8](repeating: 0, count: 65536)
            while read < first.count, unsafe poll(&wanted, 1, 10_000) == 1 {  // SAFETY: as above.
                // SAFETY: the kernel writes at most the array's size.
                read += max(0, unsafe Glibc.read(reader, &chunk, chunk.count))
            }
            #expect(sink.flush(within: .seconds(10)))
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "second\n")
            close(reader)
        }
    }

    @Test func aFileThatCannotBeOpenedIsNamed() {
        let path = "/nonexistent-folder/access.log"
        let error = #expect(throws: MartletError.self) { try LogSink(.file(path)) }
        #expect(error?.description.contains(path) == true)
    }

    /// A pipe that nobody reads: its writer hangs, the ones who offer never do.
    @Test func aStuckDestinationDropsAndCountsAndNeverBlocks() throws {
        try TemporaryFile.use { path in
            #expect(unsafe mkfifo(path, 0o600) == 0)  // SAFETY: the path lives through the call.
            // SAFETY: as above.
            let reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            #expect(reader >= 0)
            let sink = try LogSink(.file(path), bound: 256 << 10)
            let line = [UInt8](repeating: 120, count: 1023) + [10]
            let offered = 2000
            for _ in 0..<offered { sink.offer(line, lines: 1) }
            #expect(!sink.flush(within: .milliseconds(1)))
            #expect(sink.dropped > 0)

            let kept = offered - Int(sink.dropped)
            var read = 0
            var chunk = [UInt8](repeating: 0, count: 65536)
            while read < kept * line.count {
                var wanted = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
                let isReady = unsafe poll(&wanted, 1, 10_000)  // SAFETY: one structure, as the count says.
                guard isReady == 1 else { break }
                // SAFETY: the kernel writes at most the array's size.
                read += max(0, unsafe Glibc.read(reader, &chunk, chunk.count))
            }
            #expect(read == kept * line.count)
            #expect(sink.flush(within: .seconds(10)))
            close(reader)
        }
    }

    /// The reader of a pipe that goes away must not take the process with it (SIGPIPE).
    @Test func aReaderThatLeavesIsCounted() throws {
        try TemporaryFile.use { path in
            #expect(unsafe mkfifo(path, 0o600) == 0)  // SAFETY: the path lives through the call.
            // SAFETY: as above.
            let reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            let sink = try LogSink(.file(path))
            close(reader)
            sink.offer(bytes("a\n"), lines: 1)
            #expect(sink.flush(within: .seconds(10)))
            #expect(sink.dropped == 1)
        }
    }

    @Test func aDestinationThatRefusesIsCounted() throws {
        let sink = try LogSink(.file("/dev/full"))
        #expect(sink.trouble == nil)
        sink.offer(bytes("a\nb\n"), lines: 2)
        #expect(sink.flush(within: .seconds(10)))
        #expect(sink.dropped == 2)
        #expect(sink.trouble == "No space left on device: lines are lost")
    }

    @Test func aFileThatCannotBeOpenedAgainLeavesTheOldOneAndIsTriedAgain() throws {
        try TemporaryFile.use { path in
            let sink = try LogSink(.file(path))
            try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            sink.reopen()
            sink.offer(bytes("a\n"), lines: 1)
            #expect(sink.flush(within: .seconds(10)))
            #expect(sink.trouble?.contains("not opened again") == true)
            #expect(try String(contentsOfFile: path + ".1", encoding: .utf8) == "a\n")
            try FileManager.default.removeItem(atPath: path)
            sink.retryReopen()
            sink.retryReopen()
            sink.offer(bytes("b\n"), lines: 1)
            #expect(sink.flush(within: .seconds(10)))
            #expect(sink.trouble == nil)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "b\n")
            #expect(sink.dropped == 0)
        }
    }
}
