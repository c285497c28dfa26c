import Foundation
import Martlet
import Testing

@Suite("The console's token on the command line")
struct ConsoleTokenTests {
    @Test("an argument comes before a file, a file before the variable; its line end is not part of it")
    func sources() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)").path
        try "of the file\n".write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let environment = [ConsoleToken.variable: "of the variable"]
        #expect(try ConsoleToken.choose(given: "given", file: file, environment: environment) == "given")
        #expect(try ConsoleToken.choose(given: nil, file: file, environment: environment) == "of the file")
        #expect(try ConsoleToken.choose(given: nil, file: nil, environment: environment) == "of the variable")
        #expect(try ConsoleToken.choose(given: nil, file: nil, environment: [ConsoleToken.variable: ""]) == nil)
        #expect(throws: (any Error).self) {
            try ConsoleToken.choose(given: nil, file: "/none", environment: environment)
        }
    }
}
