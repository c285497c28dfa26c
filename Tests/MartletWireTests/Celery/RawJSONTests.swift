import MartletWire
import Testing

@Suite struct RawJSONTests {
    @Test(
        arguments: [
            "0", "-0", "12345678901234567890123", "1.50", "-1e5", "1E+2", "true", "null", "NaN", "-Infinity", "\"\"",
            #""a\u00e9\n\ud800""#, "[]", "[1, [2, {}]]", #"{"b": 1, "a": {"__type__": "bytes", "__value__": "x"}}"#,
        ])
    func valuesStayAsTheyWereWritten(_ text: String) throws {
        let json = try RawJSON(Array(" \n\(text)\t".utf8))
        #expect(json.text == text)
    }

    @Test(
        arguments: [
            "", " ", "01", "1.", ".5", "+1", "1e", "tru", "nul", "nan", "[1,]", "[,1]", "[1 2]", "[1}", "{\"a\" 1}", "{a: 1}",
            "{\"a\": 1,}", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\u{1}\"", "1 2", "[", "]", "-", "--1", "Infinit",
        ])
    func whatIsNoJSONIsRefused(_ text: String) {
        #expect(throws: WireError.self) { try RawJSON(Array(text.utf8)) }
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: WireError.self) { try RawJSON([0x22, 0xff, 0x22]) }
    }

    @Test func nestingHasABound() throws {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: 0x5b, count: depth) + [UInt8](repeating: 0x5d, count: depth)
        }
        #expect(try RawJSON(nested(256)).elements?.count == 1)
        #expect(throws: WireError.self) { try RawJSON(nested(257)) }
        #expect(throws: WireError.self) { try RawJSON([UInt8](repeating: 0x5b, count: 1_000_000)) }
    }

    @Test func partsAreFoundByPlaceAndName() throws {
        let json = try RawJSON(Array(#"{"a" : [1 , "x,]}", null ] ,"b":{},"a\n":2, "b": 3}"#.utf8))
        #expect(json["a"]?.elements?.map(\.text) == ["1", #""x,]}""#, "null"])
        #expect(json["a"]?.element(1)?.string == "x,]}")
        #expect(json["a"]?.element(3) == nil)
        #expect(json["a\n"]?.integer == 2)
        #expect(json["b"]?.text == "3")
        #expect(json["c"] == nil)
        #expect(try RawJSON(Array("[]".utf8)).elements == [])
        #expect(try RawJSON(Array("[]".utf8))["a"] == nil)
    }

    @Test func valuesAreDecodedWhenAsked() throws {
        let text = #"{"a": [1, 2.5, true, null, "\u00e9"], "big": 123456789012345678901, "none": NaN}"#
        let value = try RawJSON(Array(text.utf8)).value
        #expect(value["a"] == [1, .number(2.5), true, .null, "é"])
        #expect(value["big"] == .number(0x1.ac53a7e04bcdap66))
        guard case .number(let none)? = value["none"] else { return #expect(Bool(false)) }
        #expect(none.isNaN)
    }

    @Test func valuesAreWrittenAsPythonWritesThem() {
        let value: JSONValue = ["b": [1, .number(2), "é😀\n\u{7f}\"\\"], "a": .null, "c": .number(.infinity)]
        #expect(
            RawJSON(value).text
                == #"{"a": null, "b": [1, 2.0, "\u00e9\ud83d\ude00\n\u007f\"\\"], "c": Infinity}"#)
    }

    @Test func membersKeepTheirOrderAndPlace() throws {
        var object = try #require(RawObject(try RawJSON(Array(#"{"z": 1, "a": 2}"#.utf8))))
        object["z"] = RawJSON("x")
        object["b"] = .null
        #expect(object.json.text == #"{"z": "x", "a": 2, "b": null}"#)
        #expect(object["b"] == .null)
        #expect(object.present("b") == nil)
        object["z"] = nil
        #expect(object.json.text == #"{"a": 2, "b": null}"#)
    }

    @Test(
        arguments: [
            (#"["Hello CPU"]"#, "('Hello CPU',)"), ("[2, 2]", "(2, 2)"), ("[]", "()"),
            (#"[1.0, true, null, "it's"]"#, #"(1.0, True, None, 'it\'s')"#), ("[[2, 4]]", "([2, 4],)"),
            (#"[{"a": [1, [2]]}]"#, "({'a': [1, [...]]},)"), ("[[[[1]]]]", "([[[...]]],)"), ("[1e5, NaN]", "(100000.0, nan)"),
        ])
    func argumentsAreShownAsPythonShowsThem(_ text: String, _ shown: String) throws {
        #expect(PythonRepr.text(try RawJSON(Array(text.utf8)), isTuple: true) == shown)
    }

    @Test func longArgumentsAreCut() throws {
        let words = Array(repeating: "word", count: 1000).joined(separator: " ")
        let text = PythonRepr.text(RawJSON(.array([.string(words), 1, 2])), isTuple: true)
        #expect(text.hasPrefix("('word word"))
        #expect(text.hasSuffix("...')") || text.hasSuffix("...)"))
        #expect(text.count < PythonRepr.limit + 20)
        let numbers = PythonRepr.text(RawJSON(.array((0..<5000).map { .integer($0) })))
        #expect(numbers.count < PythonRepr.limit + 20)
        #expect(numbers.hasSuffix("...]"))
    }

    @Test(
        arguments: [
            ("bad z", "'bad z'"), ("it's", "\"it's\""), ("a'b\"c", #"'a\'b"c'"#), ("a\n\u{1}\\", #"'a\n\x01\\'"#), ("é", "'é'"),
        ])
    func textsAreQuotedAsPythonQuotesThem(_ text: String, _ quoted: String) {
        #expect(PythonRepr.quoted(text) == quoted)
    }
}
