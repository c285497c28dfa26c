import Foundation
import NIOCore
import Testing

@testable import MartletWire

/// What a worker is told of a request's header.
@Suite struct FieldObjectTests {
    private static func object(
        _ fields: [(String, String)], except: FieldSet = [], exceptNamed: [String] = [], lines: String = ""
    ) throws -> [String: String] {
        var block = HeaderBlock()
        for (name, value) in fields { block.append(name, value) }
        var object = FieldObject()
        object.add(block, except: except, exceptNamed: exceptNamed)
        object.add(lines: ByteBuffer(string: lines))
        var text = ByteBuffer()
        object.write(into: &text)
        return try JSONDecoder().decode([String: String].self, from: Data(text.readableBytesView))
    }

    @Test func namesAreInLowerCaseAndValuesAsTheyCame() throws {
        let object = try Self.object([("User-Agent", "a b"), ("X-Empty", ""), ("x-quote", #"say "hi" \ there"#)])
        #expect(object == ["user-agent": "a b", "x-empty": "", "x-quote": #"say "hi" \ there"#])
    }

    @Test func equalNamesAreOneInAnyCaseOfLetters() throws {
        let object = try Self.object(
            [("Accept", "a"), ("X-One", "1"), ("accept", "b"), ("Cookie", "c=1"), ("ACCEPT", "d"), ("cookie", "e=2")])
        #expect(object == ["accept": "a, b, d", "x-one": "1", "cookie": "c=1; e=2"])
    }

    @Test func linesOfOursJoinThoseOfTheClient() throws {
        let object = try Self.object(
            [("X-Forwarded-For", "1.2.3.4")], lines: "X-Forwarded-For: 5.6.7.8\r\nX-Request-Id: r\r\nX-Bare:\r\n")
        #expect(object == ["x-forwarded-for": "1.2.3.4, 5.6.7.8", "x-request-id": "r", "x-bare": ""])
    }

    @Test func whatIsSaidElsewhereIsLeftOut() throws {
        let object = try Self.object(
            [("Content-Type", "text/plain"), ("X-Secret", "s"), ("Host", "h")], except: [.contentType],
            exceptNamed: ["x-secret"])
        #expect(object == ["host": "h"])
    }

    @Test func bytesThatAreNotTextDoNotBreakTheObject() throws {
        var block = HeaderBlock()
        block.append("X-Name", "caf\u{e9} \u{2028}")
        var object = FieldObject()
        object.add(block, except: [], exceptNamed: [])
        object.add(lines: ByteBuffer(bytes: Array("X-Raw: ".utf8) + [0xff, 0xfe, 0x7f] + Array("\r\n".utf8)))
        var text = ByteBuffer()
        object.write(into: &text)
        let fields = try JSONDecoder().decode([String: String].self, from: Data(text.readableBytesView))
        #expect(fields == ["x-name": "caf\u{e9} \u{2028}", "x-raw": "\u{fffd}\u{fffd}\u{7f}"])
    }

    @Test func nothingIsAnEmptyObject() throws {
        #expect(try Self.object([]) == [:])
    }
}
