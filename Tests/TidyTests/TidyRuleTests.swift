import Testing

/// The rules themselves, on snippets: what they must find, and what they must leave alone.
@Suite struct TidyRuleTests {
    private func source(_ text: String, in target: String = "MartletGateway") -> SwiftSource {
        SwiftSource(path: "Sources/\(target)/Snippet.swift", text: text)
    }

    private func lines(_ violations: [Violation]) -> [Int] { violations.map(\.line) }

    // MARK: The scanner

    @Test func stringsAndCommentsAreNotCode() {
        let text = ##"""
            let a = "x! // no \(y! + "z!") w!"  // try! here
            let b = #"raw " \(n!) try!"#
            /* outer! /* inner! */ still! */ let c = 1
            let d = """
                "quoted" all! \(e!)
                """
            f(x)!
            """##
        let code = source(text).lines.map(\.code)
        #expect(code[0].filter { $0 == "!" } == "!")
        #expect(!code[0].contains("try") && code[0].contains("y!"))
        #expect(!code[1].contains("!"))
        #expect(!code[2].contains("!") && code[2].contains("let c = 1"))
        #expect(code[4].filter { $0 == "!" } == "!" && code[4].contains("e!"))
        #expect(code[6] == "f(x)!")
        #expect(source(text).lines[0].comment == "// try! here")
    }

    @Test func aStringThatNeverEndsSpoilsOneLineOnly() {
        #expect(source("let a = \"oops\nlet b = c!").lines[1].code == "let b = c!")
    }

    // MARK: The rules

    @Test func forcedUnwrapsAreFound() {
        for code in ["x!", "f()!.y", "a[0]!", "var x: Int!", "g { $0! }", "try! f()", "a as! B", "x! + 1"] {
            #expect(lines(SafetyRule.check(source(code))) == [1], "\(code)")
        }
        for code in ["a != b", "a!=b", "!a", "if !a, !(b)", "a !== b", "x ?? y", "#if !DEBUG", "\"hi!\""] {
            #expect(SafetyRule.check(source(code)).isEmpty, "\(code)")
        }
    }

    @Test func dangersWithAReasonNearbyAreLeftAlone() {
        #expect(lines(SafetyRule.check(source("let a = unsafe b"))) == [1])
        #expect(lines(SafetyRule.check(source("final class A: @unchecked Sendable {}"))) == [1])
        #expect(lines(SafetyRule.check(source("nonisolated(unsafe) var a = 1"))) == [1])
        #expect(SafetyRule.check(source("let a = unsafe b  // SAFETY: it lives long enough")).isEmpty)
        #expect(SafetyRule.check(source("// SAFETY: they do\nlet a = 1\nlet b = 2\nlet c = unsafe d")).isEmpty)
        #expect(lines(SafetyRule.check(source("// SAFETY: too far\n\n\n\nlet c = unsafe d"))) == [5])
        #expect(SafetyRule.check(source("withUnsafeBytes(of: a) { $0.count }")).isEmpty)
    }

    @Test func roomsSeeOnlyWhatIsBelow() {
        let upstairs = "import MartletBase\npublic import Foundation"
        #expect(lines(ImportRule.check(source(upstairs, in: "MartletLogic"))) == [2])
        #expect(lines(ImportRule.check(source("@testable import MartletConsole", in: "MartletGateway"))) == [1])
        #expect(ImportRule.check(source("package import struct NIOCore.ByteBuffer", in: "MartletWire")).isEmpty)
        #expect(ImportRule.check(source("import Anything", in: "MartletTesting")).isEmpty)
        #expect(ImportRule.check(source("// import Foundation\nlet important = 1", in: "MartletBase")).isEmpty)
        #expect(lines(ImportRule.check(source("", in: "MartletAttic"))) == [1])
    }

    @Test func theDataPlaneStartsNoTasks() {
        for code in ["Task { await f() }", "Task.detached { }", "Task(priority: .high) { }", "let t = Task{}"] {
            #expect(lines(DataPlaneRule.check(source(code))) == [1], "\(code)")
        }
        #expect(DataPlaneRule.check(source("Task { }", in: "MartletConsole")).isEmpty)
        #expect(DataPlaneRule.check(source("let x: Task<Void, Never>\n// Task { }\ncase Task")).isEmpty)
        let local = SwiftSource(path: "Sources/MartletGateway/Local/LocalLeg.swift", text: "Task { }")
        #expect(DataPlaneRule.check(local).isEmpty)
        #expect(lines(DataPlaneRule.check(source("import FoundationEssentials", in: "MartletBase"))) == [1])
    }

    @Test func longPiecesAreFound() {
        #expect(lines(SizeRule.check(source(String(repeating: "a", count: 121)))) == [1])
        #expect(SizeRule.check(source(String(repeating: "a", count: 120))).isEmpty)
        let message = "let a = \"" + String(repeating: "a", count: 120) + "\""
        #expect(lines(SizeRule.check(source(message))) == [1])
        #expect(SizeRule.check(SwiftSource(path: "Tests/A/B.swift", text: message)).isEmpty)
        #expect(lines(SizeRule.check(source(String(repeating: "a\n", count: 501)))) == [500])
        #expect(SizeRule.check(source(String(repeating: "a\n", count: 500))).isEmpty)
        func function(_ lines: Int) -> SwiftSource {
            source("struct A {\n    func f() {\n" + String(repeating: "        g()\n", count: lines - 2) + "    }\n}\n")
        }
        #expect(lines(SizeRule.check(function(71))) == [2])
        #expect(SizeRule.check(function(70)).isEmpty)
    }

    @Test func functionsAreMeasuredFromDeclarationToBrace() {
        let text = """
            protocol P {
                func a()
                func b() -> Int
            }
            struct S {
                init?(x: Int = { 1 }(), y: [Int]) {
                    self.init(z: 1)
                }
                func c(
                    d: Int
                ) async throws -> String
                where T: U {
                    if d { e() }
                }
                func one() -> Int { 1 }
                deinit { }
            }
            """
        let found = SizeRule.functions(source(text)).map { "\($0.name) \($0.start) \($0.lines)" }
        #expect(found == ["init 6 3", "c 9 6", "one 15 1", "deinit 16 1"])
    }

    @Test func leftoversAreFoundInComments() {
        let mark = "TO" + "DO"
        #expect(lines(LeftoverRule.check(source("let a = 1\n// \(mark): later"))) == [2])
        #expect(LeftoverRule.check(source("let a = \"\(mark)\"\n// todos are fine")).isEmpty)
    }

    @Test func machinesAndRegistriesAreFound() {
        func found(_ text: String) -> [Int] { lines(LeftoverRule.check(Repository.File(path: "a.md", text: text))) }
        let folder = "/" + "work/x"
        #expect(found("ok\ncd \(folder)") == [2])
        #expect(found("url = \"file://\(folder)\"") == [1])
        #expect(found("/" + "home/ann/martlet") == [1])
        #expect(found("https://example.com/work/x and Sources/work/x, /home, /homes/x/y").isEmpty)
        #expect(found("https://" + "registry.example.com/p") == [1])
        #expect(found("pip --index-url http://user:word@" + "pypi.example.com/simple") == [1])
        #expect(found("https://github.com/apple/swift-nio and the model registry").isEmpty)
    }

    @Test func theCatalogueAndItsDocumentAreCompared() {
        let catalogue = Repository.File(path: "S.swift", text: "case a = \"martlet_a_total\"\ncase b = \"process_b\"")
        let document = Repository.File(path: "m.md", text: "| `martlet_a_total` | x |\n| `martlet_c` | y |")
        let found = RoomRule.metrics(catalogue: catalogue, document: document).map(\.description)
        #expect(found.count == 2)
        #expect(found.first?.hasPrefix("S.swift:2: process_b is not in m.md; explain it there (") == true)
        #expect(found.last?.hasPrefix("m.md:2: martlet_c is not counted; remove it") == true)
    }
}
