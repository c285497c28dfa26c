import MartletWire
import NIOCore
import Testing

@Suite("Replies are read and written in both versions, however they are cut")
struct RESPReplyTests {
    static func outcome(_ bytes: [UInt8], _ pieces: Pieces = .whole, limits: RESPReplyLimits = .init()) -> [String] {
        var parser = RESPReplyParser(limits: limits)
        var input = ByteBuffer()
        var done: [String] = []
        do {
            try pieces.forEach(bytes) { piece in
                input.writeBytes(piece)
                while let value = try parser.next(&input) { done.append(words(value)) }
            }
        } catch let error as RESPProtocolError {
            return done + ["!\(error.reason)"]
        } catch {
            return done + ["!\(error)"]
        }
        return done + (parser.isBetweenReplies && input.readableBytes == 0 ? [] : ["…"])
    }

    static func words(_ value: RESPValue) -> String {
        switch value {
        case .simple(let text): "+\(text)"
        case .error(let text): "-\(text)"
        case .integer(let value): ":\(value)"
        case .double(let value): ",\(value)"
        case .boolean(let value): "#\(value)"
        case .bigNumber(let digits): "(\(digits)"
        case .bulk(let bytes): "'\(String(buffer: bytes))'"
        case .verbatim(let format, let bytes): "\(format)'\(String(buffer: bytes))'"
        case .null: "null"
        case .nullArray: "nullArray"
        case .array(let values): "[" + values.map(words).joined(separator: " ") + "]"
        case .set(let values): "{" + values.map(words).joined(separator: " ") + "}"
        case .push(let values): ">" + values.map(words).joined(separator: " ")
        case .map(let pairs): "{" + pairs.map { words($0.key) + "=" + words($0.value) }.joined(separator: " ") + "}"
        }
    }

    /// Every type: what a server writes, and how it reads. From redis-server 7.0.15's `DEBUG PROTOCOL` where it can.
    static let types: [(String, String)] = [
        ("+OK\r\n", "+OK"), ("+\r\n", "+"), ("-ERR no\r\n", "-ERR no"), (":0\r\n", ":0"), (":-12\r\n", ":-12"),
        (":+7\r\n", ":7"), (":9223372036854775807\r\n", ":9223372036854775807"),
        (":-9223372036854775808\r\n", ":-9223372036854775808"),
        ("$5\r\na\r\nbc\r\n", "'a\r\nbc'"), ("$0\r\n\r\n", "''"), ("$-1\r\n", "null"), ("*-1\r\n", "nullArray"),
        ("*0\r\n", "[]"), ("*3\r\n:1\r\n$1\r\na\r\n*1\r\n+x\r\n", "[:1 'a' [+x]]"),
        ("_\r\n", "null"), ("#t\r\n", "#true"), ("#f\r\n", "#false"), (",3.141\r\n", ",3.141"), (",inf\r\n", ",inf"),
        (",-inf\r\n", ",-inf"), (",nan\r\n", ",nan"), (",10\r\n", ",10.0"), (",1e-7\r\n", ",1e-07"),
        ("(1234567999999999999999999999999999999\r\n", "(1234567999999999999999999999999999999"),
        ("!21\r\nSYNTAX invalid syntax\r\n", "-SYNTAX invalid syntax"),
        ("=29\r\ntxt:This is a verbatim\nstring\r\n", "txt'This is a verbatim\nstring'"), ("=4\r\nmkd:\r\n", "mkd''"),
        ("%2\r\n:0\r\n#f\r\n:1\r\n%0\r\n", "{:0=#false :1={}}"), ("~3\r\n:0\r\n:1\r\n~0\r\n", "{:0 :1 {}}"),
        (">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n", ">'server-cpu-usage' :42"),
        ("|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$5\r\nreply\r\n", "'reply'"),
        ("*2\r\n|1\r\n+ttl\r\n:9\r\n:1\r\n:2\r\n", "[:1 :2]"), ("|0\r\n:1\r\n", ":1"),
    ]

    @Test("Every type", arguments: types)
    func everyType(_ text: String, _ words: String) {
        let bytes = Array(text.utf8)
        #expect(Self.outcome(bytes) == [words])
        #expect(Self.outcome(bytes + bytes, .single) == [words, words])
    }

    @Test("Cut at every place")
    func everyCut() {
        let bytes = Self.types.flatMap { Array($0.0.utf8) }
        let words = Self.types.map(\.1)
        for place in 1..<bytes.count {
            #expect(Self.outcome(bytes, .cut(at: place)) == words, "cut at \(place)")
        }
    }

    static let refused: [(String, String)] = [
        ("?\r\n", "unknown type of a reply"), ("\r\n", "expected CRLF"), ("+a\rb\r\n", "expected CRLF"),
        (":x\r\n", "invalid integer"), (":\r\n", "invalid integer"), (":+-1\r\n", "invalid integer"),
        (":9223372036854775808\r\n", "invalid integer"), (",0x1p3\r\n", "invalid double"), (",\r\n", "invalid double"),
        ("#1\r\n", "invalid boolean"), ("_x\r\n", "invalid null"), ("(12a\r\n", "invalid big number"),
        ("(--1\r\n", "invalid big number"), ("(\r\n", "invalid big number"), ("$-2\r\n", "invalid bulk length"),
        ("$536870913\r\n", "invalid bulk length"), ("!-1\r\n", "invalid bulk length"),
        ("$1\r\nabc", "expected CRLF after a bulk"), ("=3\r\ntxt\r\n", "verbatim string without format"),
        ("=5\r\ntxt-a\r\n", "verbatim string without format"), ("*-2\r\n", "invalid aggregate length"),
        ("%-1\r\n", "invalid aggregate length"), ("*9999999999999\r\n", "invalid aggregate length"),
        ("$?\r\n", "invalid bulk length"), ("*?\r\n", "invalid aggregate length"),
        (String(repeating: "*1\r\n", count: 33), "aggregates nested too deeply"),
        ("+" + String(repeating: "a", count: 65537), "line too long"),
    ]

    @Test("What is refused", arguments: refused)
    func refusals(_ text: String, _ reason: String) {
        #expect(Self.outcome(Array(text.utf8)) == ["!" + reason])
    }

    @Test("An aggregate of announced millions costs nothing, one that comes has a bound")
    func countedValues() {
        #expect(Self.outcome(Array("*16777216\r\n~16777216\r\n%8388608\r\n".utf8)) == ["…"])
        var limits = RESPReplyLimits()
        limits.values = 4
        let three = Array("*3\r\n:1\r\n:2\r\n:3\r\n".utf8)
        #expect(Self.outcome(three + three, limits: limits) == ["[:1 :2 :3]", "[:1 :2 :3]"])
        #expect(Self.outcome(Array("*2\r\n*3\r\n".utf8) + three, limits: limits) == ["!too many values in a reply"])
    }

    // MARK: Written

    private static func written(_ version: RESPWriter.Version, _ value: RESPValue) -> String {
        var buffer = ByteBuffer()
        RESPWriter(version: version).value(value, into: &buffer)
        return String(buffer: buffer)
    }

    /// Each value in RESP2, then in RESP3.
    static let written: [(RESPValue, String, String)] = [
        (.simple("OK"), "+OK\r\n", "+OK\r\n"), (.error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
        (.integer(-5), ":-5\r\n", ":-5\r\n"), (.integer(.min), ":\(Int64.min)\r\n", ":\(Int64.min)\r\n"),
        (.boolean(true), ":1\r\n", "#t\r\n"), (.boolean(false), ":0\r\n", "#f\r\n"),
        (.double(1.1), "$18\r\n1.1000000000000001\r\n", ",1.1000000000000001\r\n"),
        (.double(3), "$1\r\n3\r\n", ",3\r\n"), (.double(-.infinity), "$4\r\n-inf\r\n", ",-inf\r\n"),
        (.bigNumber("12"), "$2\r\n12\r\n", "(12\r\n"), (.bulk("a\r\n"), "$3\r\na\r\n\r\n", "$3\r\na\r\n\r\n"),
        (.bulk(""), "$0\r\n\r\n", "$0\r\n\r\n"),
        (.verbatim(format: "txt", ByteBuffer(string: "ab")), "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n"),
        (.null, "$-1\r\n", "_\r\n"), (.nullArray, "*-1\r\n", "_\r\n"),
        (.array([.integer(1), .array([])]), "*2\r\n:1\r\n*0\r\n", "*2\r\n:1\r\n*0\r\n"),
        (.set([.integer(1)]), "*1\r\n:1\r\n", "~1\r\n:1\r\n"), (.push([.bulk("a")]), "*1\r\n$1\r\na\r\n", ">1\r\n$1\r\na\r\n"),
        (
            .map([.init(.bulk("k"), .boolean(true)), .init(.bulk("l"), .null)]),
            "*4\r\n$1\r\nk\r\n:1\r\n$1\r\nl\r\n$-1\r\n", "%2\r\n$1\r\nk\r\n#t\r\n$1\r\nl\r\n_\r\n"
        ),
    ]

    @Test("Every type is written in both versions, and what RESP3 has is read back as it was", arguments: written.indices)
    func everyTypeWritten(_ index: Int) {
        let (value, two, three) = Self.written[index]
        #expect(Self.written(.two, value) == two)
        #expect(Self.written(.three, value) == three)
        let kept = value != .nullArray && value != .error("ERR a\r\nb")
        if kept { #expect(Self.outcome(Array(three.utf8)) == [Self.words(value)]) }
    }

    @Test("The writer's shorthands write the same")
    func shorthands() {
        var buffer = ByteBuffer()
        let writer = RESPWriter(version: .three)
        writer.error("unknown", into: &buffer)
        writer.error(code: "WRONGTYPE", "no", into: &buffer)
        writer.bulk([1, 2], into: &buffer)
        writer.verbatim("ä", into: &buffer)
        RESPWriter(version: .two).verbatim("ä", into: &buffer)
        RESPWriter.command(["GET", ""], into: &buffer)
        RESPWriter.command([ByteBuffer(string: "é")], into: &buffer)
        let expected = "-ERR unknown\r\n-WRONGTYPE no\r\n$2\r\n\u{1}\u{2}\r\n=6\r\ntxt:ä\r\n$2\r\nä\r\n"
        #expect(String(buffer: buffer) == expected + "*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$2\r\né\r\n")
    }
}
