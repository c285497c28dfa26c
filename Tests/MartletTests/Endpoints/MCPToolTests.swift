import Testing

@testable import Martlet

@Suite("What tools for assistants are called")
struct MCPToolTests {
    @Test("As their apps say, else like their models, in letters that the protocol allows")
    func names() {
        #expect(MCPTool.names([("search", "model"), (nil, "model"), (nil, "a/b.c")]) == ["search", "model", "a_b_c"])
    }

    @Test("Of several of one name the first that says so has it, whatever stands before it")
    func conflicts() {
        #expect(
            MCPTool.names([(nil, "search"), ("search", "a"), ("search", "b")]) == ["search_2", "search", "search_3"])
        #expect(
            MCPTool.names([("search", "a"), ("search", "b"), ("search_2", "c")]) == ["search", "search_3", "search_2"])
        #expect(MCPTool.names([(nil, "a.b"), (nil, "a_b")]) == ["a_b", "a_b_2"])
    }

    @Test("A name that had to change stays within what the protocol allows")
    func long() {
        let name = String(repeating: "x", count: 64)
        let names = MCPTool.names([(name, "a"), (name, "b")])
        #expect(names[0] == name && names[1] == String(repeating: "x", count: 60) + "_2")
    }
}
