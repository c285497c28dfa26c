@testable import Martlet
import MartletLogic
import MartletTasks
import MartletWire
import Testing


@Suite struct TaskHandlerTests {
    @Test("an argument is found by name or by place, read as the type that is wanted, and may be left out")
    func arguments() throws {
        let arguments = TaskArguments(positional: ["a", 2], named: ["width": 3, "none": .null])
        #expect(try arguments.value("text", at: 0) == "a")
        #expect(try arguments.value("count", at: 1, as: Int.self) == 2)
        #expect(try arguments.value("width", at: 0, as: Int.self) == 3)
        #expect(try arguments.value("height", at: 5, otherwise: 8) == 8)
        #expect(try arguments.value("none", otherwise: 9) == 9)
    }

    @Test("a wrong argument says its name")
    func wrongArgument() {
        let arguments = TaskArguments(positional: ["a"])
        #expect { try arguments.value("count", at: 0, as: Int.self) } throws: { "\($0)".contains("`count`") }
        #expect { try arguments.value("other", at: 1, as: Int.self) } throws: { "\($0)".contains("is missing") }
    }

    @Test("Swift's own Task and a task's handler live in one file")
    func names() async throws {
        let rate = TaskRate.perMinute(10)
        let handler = TaskHandler("add", maxRetries: nil, hardLimit: .seconds(5), rateLimit: rate) { arguments, _ in
            try arguments.value("x", at: 0, as: Int.self) + 1
        }
        let value = await Task { 1 }.value
        #expect(value == 1)
        #expect(handler.description.name == "add" && handler.description.rules.retry.maximumRetries == nil)
        #expect(handler.description.rules.hardLimit == 5 && handler.description.rules.rateLimit?.count == 10)
        let silent = TaskHandler("log", keepsResult: false) { _, _ in }
        #expect(silent.description.ignoresResult && silent.description.rules.acksLate)
        #expect(!TaskHandler("pay", acksLate: false) { _, _ in }.description.rules.acksLate)
    }
}
