import MartletKnowledge
import MartletLogic
import Testing

@Suite struct EncodingTests {
    /// 年假共五天。, in each encoding.
    private static let words = "年假共五天。"
    private static let cases: [(name: String, bytes: [UInt8])] = [
        ("UTF-8", Array(words.utf8)),
        ("UTF-8 with a mark", [0xef, 0xbb, 0xbf] + Array(words.utf8)),
        ("UTF-16LE", [0xff, 0xfe] + words.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }),
        ("UTF-16BE", [0xfe, 0xff] + words.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }),
        ("GB18030", [0xc4, 0xea, 0xbc, 0xd9, 0xb9, 0xb2, 0xce, 0xe5, 0xcc, 0xec, 0xa1, 0xa3]),
    ]

    @Test(arguments: cases.map(\.name)) func `a text is read in the encoding it is in`(name: String) async throws {
        let bytes = try #require(Self.cases.first { $0.name == name }).bytes
        let found = try await read(bytes, "规定.txt")
        #expect(found.text.text == Self.words)
        #expect(found.type == .text)
    }

    @Test func `Big5 is told from GB18030`() async throws {
        // 公司的員工每年都有十天的特別休假, a sentence that is none in the other encoding.
        let words = "公司的員工每年都有十天的特別休假。"
        let bytes: [UInt8] = [
            0xa4, 0xbd, 0xa5, 0x71, 0xaa, 0xba, 0xad, 0xfb, 0xa4, 0x75, 0xa8, 0x43, 0xa6, 0x7e, 0xb3, 0xa3, 0xa6, 0xb3,
            0xa4, 0x51, 0xa4, 0xd1, 0xaa, 0xba, 0xaf, 0x53, 0xa7, 0x4f, 0xa5, 0xf0, 0xb0, 0xb2, 0xa1, 0x43,
        ]
        #expect(try await read(bytes + bytes + bytes, "x.txt").text.text == words + words + words)
    }

    @Test func `the four-byte characters of GB18030 are read`() async throws {
        // 年年年假 and U+20000.
        let bytes: [UInt8] = [0xc4, 0xea, 0xc4, 0xea, 0xc4, 0xea, 0xbc, 0xd9, 0x95, 0x32, 0x82, 0x36]
        #expect(try await read(bytes, "x.txt").text.text == "年年年假\u{20000}")
    }

    @Test func `UTF-16 without a mark is known by its zeros`() async throws {
        let text = "Leave: 年假 5 days\r\n"
        let low = text.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        let high = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
        #expect(try await read(low, "x.txt").text.text == "Leave: 年假 5 days\n")
        #expect(try await read(high, "x.txt").text.text == "Leave: 年假 5 days\n")
    }

    @Test func `a character across two pieces of the file is one`() async throws {
        let text = "a" + String(repeating: "年", count: 100_000)
        let found = try await read(text, "x.txt").text
        #expect(found.text == text)
    }

    @Test func `bytes that are no text are refused by name`() async throws {
        let noise = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 3) }
        #expect(await refusal(noise, "噪音.txt")?.code == .unreadable)
        let program: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]
        #expect(await refusal(program, "a.md")?.message == "a.md cannot be read: it is a program")
    }

    @Test func `line ends are all the same`() async throws {
        #expect(try await read("a\r\n\r\nb\rc\n", "x.txt").text.text == "a\n\nb\nc\n")
    }
}

@Suite struct TextReaderTests {
    @Test func `Markdown keeps its text as it is written, with its headings`() async throws {
        let text = "# 员工 **手册**\n\n见 [表](a.md)。\n\n## Leave\n\n```\n# no\n```\n"
        let found = try await read(text, "x.md")
        #expect(found.type == .markdown)
        #expect(found.text.text == text)
        #expect(found.text.title == "员工 手册")
        #expect(found.text.headings.map { found.text.from($0.offset, 5) } == ["# 员工 ", "## Le"])
        #expect(found.text.headings.map(\.level) == [1, 2])
    }

    @Test func `rows of CSV say their headers, whatever is quoted`() async throws {
        let found = try await read("\u{feff}姓名, 部门 ,Note\r\n李雷,\"研发,一组\",\"say \"\"hi\"\"\nto all\"\r\n\r\n韩梅梅,,x,extra\r\n", "员工.csv")
        #expect(found.type == .csv)
        #expect(
            found.text.text
                == "姓名: 李雷\n部门: 研发,一组\nNote: say \"hi\"\nto all\n\n姓名: 韩梅梅\n部门: \nNote: x\nextra\n")
        #expect(found.text.rows.map { found.text.from($0, 6) } == ["姓名: 李雷", "姓名: 韩梅"])
    }

    @Test func `a table is known by its lines, and its separator too`() async throws {
        #expect(try await read("a\tb\n1\t2\n", "data").text.text == "a: 1\nb: 2\n")
        #expect(try await read("a;b\n1,5;2\n", "x.csv").text.text == "a: 1,5\nb: 2\n")
        #expect(try await read("One, two.\nThree.\n", "letter").type == .text)
    }

    @Test func `each value of JSON has the way to it`() async throws {
        let text = #"{"公司": {"staff": [{"name": "李\u96f7", "age": 30.50}, {"ok": true, "no": null}], "none": {}}, "x": []}"#
        let found = try await read(text, "data")
        #expect(found.type == .json)
        #expect(
            found.text.text
                == "公司.staff[0].name: 李雷\n公司.staff[0].age: 30.50\n公司.staff[1].ok: true\n公司.staff[1].no: null\n")
    }

    @Test func `JSON lines are numbered`() async throws {
        #expect(try await read("{\"a\": 1}\n{\"a\": 2}\n", "x.jsonl").text.text == "[0].a: 1\n[1].a: 2\n")
    }

    @Test func `what is called JSON and is none is refused, what only looks like it is text`() async throws {
        #expect(await refusal(Array("{\"a\": 01}".utf8), "a.json")?.code == .unreadable)
        #expect(try await read("{draft} of the plan", "plan").text.text == "{draft} of the plan")
    }
}
