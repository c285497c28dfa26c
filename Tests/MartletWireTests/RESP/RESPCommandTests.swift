import MartletWire
import NIOCore
import Testing

@Suite("Commands are read as Redis reads them, however they are cut")
struct RESPCommandTests {
    /// What the parser makes of the bytes: commands in words, then the error or what is still open.
    static func outcome(
        _ bytes: [UInt8], _ pieces: Pieces = .whole, limits: RESPLimits = RESPLimits(), isAuthenticated: Bool = true
    ) -> [String] {
        var parser = RESPCommandParser(limits: limits, isAuthenticated: isAuthenticated)
        var input = ByteBuffer()
        var done: [String] = []
        do {
            try pieces.forEach(bytes) { piece in
                input.writeBytes(piece)
                while let command = try parser.next(&input) {
                    done.append(command.map { "[\(String(buffer: $0))]" }.joined())
                }
            }
        } catch let error as RESPProtocolError {
            return done + ["!\(error.reason)"]
        } catch {
            return done + ["!\(error)"]
        }
        return done + (parser.isBetweenCommands && input.readableBytes == 0 ? [] : ["…"])
    }

    static func outcome(_ text: String, isAuthenticated: Bool = true) -> [String] {
        outcome(Array(text.utf8), isAuthenticated: isAuthenticated)
    }

    private static let conversation = Array(
        ("*2\r\n$3\r\nGET\r\n$5\r\na\r\nb\0\r\n" + "PING\r\n" + "*3\r\n$0\r\n\r\n$0\r\n\r\n$1\r\nx\r\n" + "\r\n*0\r\n*-1\r\n"
            + "SET k \"a \\x41\"\n" + "*1\r\n$4\r\nPING\r\n").utf8)
    private static let commands = ["[GET][a\r\nb\0]", "[PING]", "[][][x]", "[SET][k][a A]", "[PING]"]

    @Test("Whole, byte by byte, and cut at every place")
    func everyCut() {
        #expect(Self.outcome(Self.conversation) == Self.commands)
        #expect(Self.outcome(Self.conversation, .single) == Self.commands)
        for place in 1..<Self.conversation.count {
            #expect(Self.outcome(Self.conversation, .cut(at: place)) == Self.commands, "cut at \(place)")
        }
    }

    /// What redis-server 7.0.15 answered to the same bytes, but for the lines marked as ours.
    static let refused: [(String, String)] = [
        ("*x\r\n", "invalid multibulk length"), ("*01\r\n", "invalid multibulk length"),
        ("*+1\r\n$4\r\nPING\r\n", "invalid multibulk length"), ("* 1\r\n", "invalid multibulk length"),
        ("*2147483648\r\n", "invalid multibulk length"), ("*\r\n", "invalid multibulk length"),
        ("*12345678901234567890123\r\n", "invalid multibulk length"),
        ("*1\r\n+PING\r\n", "expected '$', got '+'"), ("*1\r\n\r\n", "expected '$', got ' '"),
        ("*1\r\n$-1\r\n", "invalid bulk length"), ("*1\r\n$x\r\n", "invalid bulk length"),
        ("*1\r\n$536870913\r\n", "invalid bulk length"), ("*1\r\n$\r\n", "invalid bulk length"),
        ("*1\r\n$12345678901234567890123\r\n", "invalid bulk length"),
        ("*1\r\n$4\nPING\r\n", "invalid bulk length"),
        ("ECHO \"a\"b\r\n", "unbalanced quotes in request"), ("ECHO \"a\r\n", "unbalanced quotes in request"),
        ("ECHO 'a\r\n", "unbalanced quotes in request"), ("ECHO \"a\\\r\n", "unbalanced quotes in request"),
        ("ECHO 'a'b\r\n", "unbalanced quotes in request"),
        // Ours
        ("*1048577\r\n", "invalid multibulk length"), ("*1\r\n$4\rXPING\r\n", "invalid bulk length"),
        ("*1\r\n$4\r\nPINGXX", "expected CRLF after a bulk"), ("ECHO a\0b\r\n", "zero byte in inline request"),
        ("*1\r\n\u{1}a\r\n", "expected '$', got '?'"), ("*123456789012345678901", "invalid multibulk length"),
    ]

    @Test("What is refused, with Redis' words", arguments: refused)
    func refusals(_ text: String, _ reason: String) {
        #expect(Self.outcome(text) == ["!" + reason])
        #expect(Self.outcome(Array(text.utf8), .single) == ["!" + reason])
    }

    @Test("Inline commands: words, quotes, escapes")
    func inlineCommands() {
        let lines: [(String, String)] = [
            (#"ECHO "a\x41\n\t\b\a\r\q\"'""#, "[ECHO][aA\n\t\u{8}\u{7}\rq\"']"),
            (#"ECHO 'a\'b\n"'"#, #"[ECHO][a'b\n"]"#), (#"ECHO a"b c""#, "[ECHO][ab c]"), (#"ECHO """#, "[ECHO][]"),
            ("ECHO \u{b}a\u{b}b", "[ECHO][a\u{b}b]"), (#"ECHO "a\x4""#, "[ECHO][ax4]"), (#""PING""#, "[PING]"),
            ("P'ING'", "[PING]"), ("\tPING\t", "[PING]"), ("ECHO a\rb", "[ECHO][a][b]"),
            ("ECHO \"a\rb\"", "[ECHO][a\rb]"), (#"ECHO a\nb"#, #"[ECHO][a\nb]"#),
        ]
        for (line, words) in lines { #expect(Self.outcome(line + "\r\n") == [words], "\(line)") }
    }

    @Test("Before authentication commands are short; from the next one on they may be long")
    func authentication() throws {
        #expect(Self.outcome("*10\r\n", isAuthenticated: false) == ["…"])
        #expect(Self.outcome("*11\r\n", isAuthenticated: false) == ["!unauthenticated multibulk length"])
        #expect(Self.outcome("*1\r\n$16384\r\n", isAuthenticated: false) == ["…"])
        #expect(Self.outcome("*1\r\n$16385\r\n", isAuthenticated: false) == ["!unauthenticated bulk length"])
        #expect(
            Self.outcome("a b c d e f g h i j k\r\n", isAuthenticated: false) == ["!unauthenticated multibulk length"])

        var parser = RESPCommandParser(isAuthenticated: false)
        var input = ByteBuffer(string: "AUTH x\r\n*11\r\n" + String(repeating: "$1\r\na\r\n", count: 11))
        #expect(try parser.next(&input)?.count == 2)
        parser.isAuthenticated = true
        #expect(try parser.next(&input)?.count == 11)
    }

    @Test("Limits hold to the byte")
    func limits() {
        var limits = RESPLimits()
        (limits.bulkBytes, limits.arguments, limits.commandBytes, limits.inlineBytes) = (4, 3, 8, 6)
        func outcome(_ text: String) -> [String] { Self.outcome(Array(text.utf8), limits: limits) }
        #expect(outcome("*1\r\n$4\r\nabcd\r\n") == ["[abcd]"])
        #expect(outcome("*1\r\n$5\r\n") == ["!invalid bulk length"])
        #expect(outcome("*3\r\n$4\r\nabcd\r\n$4\r\nabcd\r\n$0\r\n\r\n") == ["[abcd][abcd][]"])
        #expect(outcome("*3\r\n$4\r\nabcd\r\n$4\r\nabcd\r\n$1\r\n") == ["!too big command"])
        #expect(outcome("*4\r\n") == ["!invalid multibulk length"])
        #expect(outcome("abcdef\n") == ["[abcdef]"])
        #expect(outcome("abcdefg\n") == ["!too big inline request"])
        #expect(outcome("abcdefg") == ["!too big inline request"])
        #expect(Self.outcome([UInt8](repeating: 97, count: 65536)) == ["…"])
        #expect(Self.outcome([UInt8](repeating: 97, count: 65537)) == ["!too big inline request"])
    }

    @Test("After an error there is nothing")
    func afterAnError() throws {
        var parser = RESPCommandParser()
        var input = ByteBuffer(string: "*x\r\nPING\r\n")
        #expect(throws: RESPProtocolError("invalid multibulk length")) { try parser.next(&input) }
        input = ByteBuffer(string: "PING\r\n")
        #expect(try parser.next(&input) == nil)
    }

    @Test("Announced sizes allocate nothing, and what is held is no larger than what came")
    func memoryOfHalfACommand() throws {
        var parser = RESPCommandParser()
        var input = ByteBuffer(string: "*1048576\r\n$536870912\r\n")
        #expect(try parser.next(&input) == nil)
        #expect(parser.heldBytes == 0 && input.readableBytes == 0)

        let piece = [UInt8](repeating: 120, count: 1000)
        for _ in 0..<100 {
            // A buffer of its own for each piece, as a socket delivers them.
            input = ByteBufferAllocator().buffer(capacity: 1 << 16)
            input.writeBytes(piece)
            #expect(try parser.next(&input) == nil)
            #expect(input.readableBytes == 0)
        }
        #expect(parser.heldBytes >= 100_000 && parser.heldBytes <= 2 * 131_072)
    }

    @Test("A bulk in one piece is not copied")
    func slices() throws {
        var parser = RESPCommandParser()
        var input = ByteBuffer(string: "*2\r\n$3\r\nSET\r\n$5\r\nvalue\r\n")
        let storage = input.storageCapacity
        let command = try #require(try parser.next(&input))
        // A copy would have a storage of its own size.
        #expect(command.allSatisfy { $0.storageCapacity == storage })
        #expect(parser.heldBytes == 0)
    }
}
