import MartletBase
import MartletWire
import Testing

@Suite("The model of a call is found without decoding its body")
struct ModelPeekTests {
    /// Nil where the body is refused.
    static func peek(_ body: String, _ pieces: Pieces = .whole) -> PeekedModel? {
        peek(Array(body.utf8), pieces)
    }

    static func peek(_ bytes: [UInt8], _ pieces: Pieces) -> PeekedModel? {
        var peek = ModelPeek()
        do throws(WireError) {
            var failure: WireError?
            pieces.forEach(bytes) { piece in
                guard failure == nil else { return }
                do throws(WireError) { try peek.feed(Array(piece).span) } catch { failure = error }
            }
            if let failure { throw failure }
            return try peek.finish()
        } catch {
            #expect(error.code == .invalidBody)
            return nil
        }
    }

    @Test("A tool that searches files is seen, and nothing that merely looks like it", arguments: [
        (#"{"tools":[{"type":"file_search","vector_store_ids":["a"]}]}"#, true),
        (#"{"tools":[{"type":"function"},{"file_search":{},"type":"file_search"}],"model":"m"}"#, true),
        (#"{"tools":[{"type":"function","function":{"name":"file_search"}}]}"#, false),
        (#"{"tools":["file_search"]}"#, false), (#"{"tools":{"type":"file_search"}}"#, false),
        (#"{"messages":[{"content":"file_search"}],"tools":[]}"#, false),
        (#"{"tools":[{"type":"file_searches"}]}"#, false), (#"{"tools":[{"type":"file"},{"a":"_search"}]}"#, false),
    ])
    func fileSearch(_ body: String, _ isThere: Bool) {
        #expect(Self.peek(body)?.searchesFiles == isThere)
        #expect(Self.peek(body, .single)?.searchesFiles == isThere)
    }

    static let accepted: [(body: String, model: String?, isStream: Bool)] = [
        ("{}", nil, false), (" \n\t{ } \r\n", nil, false), ("{\"model\":\"m\"}", "m", false),
        ("{\"model\":\"m\",\"stream\":true}", "m", true), ("{\"stream\":false,\"model\":\"m\"}", "m", false),
        ("{\"stream\":null,\"model\":null}", nil, false),
        ("{ \"model\" : \"a/b:c-1.5\" , \"stream\" : true }", "a/b:c-1.5", true),
        ("{\"messages\":[{\"role\":\"user\",\"content\":\"\\\"model\\\":\\\"x\\\" {[\"}],\"model\":\"m\"}", "m", false),
        ("{\"a\":{\"model\":\"x\",\"stream\":true},\"model\":\"m\"}", "m", false),
        ("{\"a\":[[[{\"model\":[]}]]],\"model\":\"m\",\"n\":-1.5e+3,\"t\":[1,2,\"]\"]}", "m", false),
        ("{\"model\":\"Qwen\\/Qwen\"}", "Qwen/Qwen", false), ("{\"model\":\"\\u006d\\u00e9\"}", "m\u{e9}", false),
        ("{\"model\":\"\\ud83d\\ude00\"}", "\u{1f600}", false), ("{\"model\":\"caf\u{e9}\"}", "caf\u{e9}", false),
        ("{\"model\":\"\"}", "", false), ("{\"models\":\"x\",\"mode\":\"y\",\"xmodel\":\"z\"}", nil, false),
        ("{\"\":1,\" model\":2}", nil, false), ("{\"x\":\"\\\\\",\"model\":\"m\"}", "m", false),
        ("{\"0123456789abcdef_model\":\"x\"}", nil, false),
        (
            "{\"a\":\(String(repeating: "[", count: 63))\(String(repeating: "]", count: 63)),\"model\":\"m\"}", "m",
            false
        ),
        ("{\(keys(256))}", nil, false),
    ]

    static func keys(_ count: Int) -> String {
        (0..<count).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    }

    @Test("Bodies that are taken", arguments: accepted)
    func taken(_ body: String, _ model: String?, _ isStream: Bool) {
        let bytes = Array(body.utf8)
        let whole = Self.peek(body)
        #expect(whole?.model == model)
        #expect(whole?.isStream == isStream)
        #expect(whole != nil)
        for pieces in [Pieces.single, .every(3), .every(8)] { #expect(Self.peek(bytes, pieces) == whole) }
        for place in 1..<min(200, max(2, bytes.count)) { #expect(Self.peek(bytes, .cut(at: place)) == whole) }
    }

    @Test("The range covers the model's value with its quotes", arguments: accepted.filter { $0.model != nil })
    func range(_ body: String, _ model: String?, _ isStream: Bool) throws {
        let bytes = Array(body.utf8)
        let range = try #require(Self.peek(body)?.modelRange)
        let replaced = Array(bytes[..<range.lowerBound]) + Array("\"other\"".utf8) + Array(bytes[range.upperBound...])
        #expect(bytes[range.lowerBound] == 0x22)
        #expect(bytes[range.upperBound - 1] == 0x22)
        #expect(Self.peek(replaced, .whole)?.model == "other")
        #expect(Self.peek(replaced, .whole)?.isStream == isStream)
    }

    static let refused: [String] = [
        "", " ", "[]", "\"model\"", "1", "null", "{", "{\"model\"", "{\"model\":", "{\"model\":\"m", "{\"model\":\"m\"",
        "{\"model\":\"m\"}x", "{\"model\":\"m\"}{}", "{}}", "{}\u{0}", "{,}", "{\"a\":1,}", "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "{\"a\"::1}", "{\"a\":}", "{\"a\":,}", "{a:1}", "{'model':'m'}", "{\"model\":\"a\",\"model\":\"b\"}",
        "{\"a\":1,\"b\":2,\"a\":3}", "{\"stream\":true,\"stream\":true}", "{\"mod\\u0065l\":\"m\"}", "{\"a\\n\":1}",
        "{\"model\":1}", "{\"model\":true}", "{\"model\":[]}", "{\"model\":{}}", "{\"model\":nul}", "{\"stream\":1}",
        "{\"stream\":\"true\"}", "{\"stream\":[]}", "{\"stream\":truE}", "{\"a\":[}", "{\"a\":{]}", "{\"a\":[}]",
        "{\"a\":(1)}",
        "{\"a\":\"\u{1}\"}", "{\"a\":\"\n\"}", "{\"a\u{1}\":1}", "{\"a\":[\"\t\"]}", "{\"a\":\"\\x\"}",
        "{\"a\":[\"\\'\"]}",
        "{\"model\":\"\\ud83d\"}", "{\"model\":\"\\ude00\\ud83d\"}", "{\"model\":\"\\u12\"}", "{\"model\":\"\\uzzzz\"}",
        "{/**/}", "{\"a\":1}//", "\u{feff}{}", "{\"a\":[1,/*]*/2]}", "{\"a\":\"x}",
        "{\"model\":\"\(String(repeating: "m", count: 513))\"}",
        "{\"a\":\(String(repeating: "[", count: 64))\(String(repeating: "]", count: 64))}",
        String(repeating: "{\"a\":", count: 100_000), "{\(keys(257))}",
    ]

    @Test("Bodies that are refused", arguments: refused)
    func refusal(_ body: String) {
        #expect(Self.peek(body) == nil)
        #expect(Self.peek(body, .single) == nil)
        #expect(Self.peek(body, .every(7)) == nil)
    }

    @Test("A model that is not UTF-8 is refused, other strings are the upstream's business")
    func invalidUTF8() {
        #expect(Self.peek(Array("{\"model\":\"".utf8) + [0xff] + Array("\"}".utf8), .whole) == nil)
        #expect(Self.peek(Array("{\"model\":\"m\",\"a\":\"".utf8) + [0xff] + Array("\"}".utf8), .whole)?.model == "m")
    }
}
