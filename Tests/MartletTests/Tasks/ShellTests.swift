import Testing

@testable import Martlet

@Suite struct ShellTests {
    @Test("of long output the last lines are kept, and that something is missing is told")
    func bound() {
        var output = CommandOutput(bound: 100)
        for number in 0..<1000 { output.add("line \(number)") }
        #expect(output.isCut)
        #expect(output.text.hasSuffix("line 999\n"))
        #expect(output.text.utf8.count <= 200)
        var short = CommandOutput(bound: 100)
        short.add("a")
        #expect(short.text == "a\n" && !short.isCut)
    }

    @Test("programs are those that were named, or any")
    func programs() {
        let some = ShellPolicy(programs: ["echo"])
        #expect(some.allows("echo") && !some.allows("/bin/echo") && !some.allows("rm"))
        #expect(ShellPolicy(programs: ["*"]).allows("rm"))
    }
}
