import MartletWire
import NIOCore
import Testing

@Suite("No bytes of RESP trap, and pieces do not change what they mean")
struct RESPFuzzTests {
    private static let parts = [
        "*", "$", "+", "-", ":", "_", "#", ",", "(", "!", "=", "%", "~", ">", "|", "\r\n", "\r", "\n", "0", "1", "2",
        "3", "-1", "12", "txt:", "a", "PING", "\"", "'", "\\", "\\x4", " ", "\0", "inf", ".5", "t", "$1\r\na\r\n",
        "$0\r\n\r\n", "*2\r\n", "$4\r\nPING\r\n", ":1\r\n", "%1\r\n", "~1\r\n", "|1\r\n", "*1\r\n$4\r\nPING\r\n",
    ]

    /// Bytes that are now and then what a peer would send, and pieces of random size.
    private static func bytes(_ random: inout SeededRandom) -> [UInt8] {
        (0..<Int.random(in: 1...12, using: &random)).flatMap { _ -> [UInt8] in
            if Int.random(in: 0..<20, using: &random) == 0 { return [UInt8.random(in: 0...255, using: &random)] }
            return Array(parts.randomElement(using: &random).map(\.utf8) ?? "".utf8)
        }
    }

    @Test("Commands")
    func commands() {
        var random = SeededRandom(seed: 5)
        var limits = RESPLimits()
        (limits.bulkBytes, limits.arguments, limits.commandBytes, limits.inlineBytes) = (8, 4, 16, 20)
        for round in 0..<3000 {
            let bytes = Self.bytes(&random)
            let whole = RESPCommandTests.outcome(bytes, limits: limits, isAuthenticated: round % 2 == 0)
            let size = Int.random(in: 1...5, using: &random)
            let pieces = RESPCommandTests.outcome(
                bytes, .every(size), limits: limits, isAuthenticated: round % 2 == 0)
            #expect(whole == pieces, "\(String(decoding: bytes, as: UTF8.self).debugDescription) by \(size)")
        }
    }

    @Test("Replies")
    func replies() {
        var random = SeededRandom(seed: 6)
        var limits = RESPReplyLimits()
        (limits.bulkBytes, limits.lineBytes, limits.depth, limits.values) = (8, 12, 3, 12)
        for _ in 0..<3000 {
            let bytes = Self.bytes(&random)
            let whole = RESPReplyTests.outcome(bytes, limits: limits)
            let size = Int.random(in: 1...5, using: &random)
            let pieces = RESPReplyTests.outcome(bytes, .every(size), limits: limits)
            #expect(whole == pieces, "\(String(decoding: bytes, as: UTF8.self).debugDescription) by \(size)")
        }
    }

    @Test("Random commands come back as they were written, in random pieces")
    func roundTrips() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<200 {
            let commands = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                (0..<Int.random(in: 1...5, using: &random)).map { _ in
                    ByteBuffer(bytes: (0..<Int.random(in: 0...40, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    })
                }
            }
            var wire = ByteBuffer()
            for command in commands { RESPWriter.command(command, into: &wire) }
            var parser = RESPCommandParser()
            var input = ByteBuffer()
            var read: [[ByteBuffer]] = []
            while wire.readableBytes > 0 {
                let size = min(wire.readableBytes, Int.random(in: 1...60, using: &random))
                input.writeBytes(wire.readBytes(length: size) ?? [])
                while let command = try parser.next(&input) { read.append(command) }
            }
            #expect(read == commands)
        }
    }
}
