import Foundation
import MartletWire
import Testing

@Suite("JSON that is passed on")
struct JSONValueTests {
    @Test(
        "It is written as it was read, but for spaces and the order of members",
        arguments: [
            "null", "true", "-3", "2.5", "9007199254740993", #""a \"b\" \u001f""#, "[]", "{}",
            #"{"a":[1,{"b":null}],"c":false}"#,
        ])
    func sameText(_ text: String) throws {
        #expect(try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)).text == text)
    }

    @Test("Nesting without end is refused")
    func deep() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: (any Error).self) { try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) }
    }
}
