import Foundation
import MartletBase
import Testing

@testable import Martlet

@Suite("No file can hurt the process that reads it")
struct ConfigurationHostileTests {
    @Test("Aliases that multiply are refused before they do", .timeLimit(.minutes(1)))
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        #expect(problems(text) == ["martlet.yaml:5: holds more than 100000 values with its aliases"])
    }

    @Test("Aliases that multiply as keys or merges are refused", .timeLimit(.minutes(1)))
    func aliasBombInKeys() {
        var text = "a0: &a0 {x: 1}\n"
        for level in 1...40 { text += "a\(level): &a\(level) {? *a\(level - 1) : 1, ? [*a\(level - 1)] : 2}\n" }
        #expect(problems(text).contains("martlet.yaml:2: a1: a key must be a word, not a list, a mapping or an alias"))
        var merges = "a0: &a0 {x: 1}\n"
        for level in 1...40 {
            merges +=
                "a\(level): &a\(level) {<<: [*a\(level - 1), *a\(level - 1)], y: [*a\(level - 1), *a\(level - 1)]}\n"
        }
        #expect(problems(merges).contains { $0.hasSuffix("holds more than 100000 values with its aliases") })
    }

    @Test("Deep nesting is refused", .timeLimit(.minutes(1)), arguments: [33, 900, 100_000])
    func depth(_ levels: Int) {
        let flow = problems("pools: " + String(repeating: "[", count: levels) + String(repeating: "]", count: levels))
        #expect(flow.count == 1)
        #expect(!problems(String(repeating: "- ", count: levels)).isEmpty)
        #expect(!problems("a: " + String(repeating: "{a: ", count: levels)).isEmpty)
    }

    @Test("A file of more than 4 MiB is refused, one of exactly 4 MiB is read")
    func size() {
        let filler = String(repeating: "#", count: (4 << 20) - onePool.utf8.count)
        #expect(problems(onePool + filler) == [])
        #expect(problems(onePool + filler + "#") == ["martlet.yaml: is larger than 4MiB, which no configuration needs"])
    }

    @Test("A flood of mistakes is cut short")
    func manyProblems() {
        let text = onePool + (0..<5000).map { "k\($0): 1\n" }.joined()
        let all = problems(text)
        #expect(all.count == 101)
        #expect(all.last == "martlet.yaml: and 4900 more problems")
    }

    @Test("A flood of duplicates ends")
    func manyDuplicates() {
        let all = problems(onePool + String(repeating: "threads: 1\n", count: 500))
        #expect(all == ["martlet.yaml:54: the key `threads` is written twice"])
    }

    @Test("Control characters of the file do not reach the terminal")
    func messagesArePrintable() {
        for problem in problems(onePool + "\"a\\e[31m\\n\": 1\nthreads: \"\\e[0m\\r\"\n") {
            #expect(problem.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "\(problem)")
        }
    }

    @Test("Mutations of a full file are read or refused, never more", .timeLimit(.minutes(5)))
    func mutations() {
        let seeds = [ConfigurationKeysTests.everySection, ConfigurationExampleTests.designPage, onePool]
        let splices = [
            ": ", "- ", "[", "]", "{", "}", "*", "&a ", "*a", "<<: ", "!!", "${", "$$", "\"", "'", "\t", "\n", "\r\n",
            "? ",
            "|", ">", "%", "@", "\u{0}", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{E000}", "${A}", "${A:-b}", "é", "🙂",
            "-1", "0", "1e999",
            "99999999999999999999s", "---\n", "...\n", "~", "off", "unix:/", "[::1]:1", "http://",
            "9223372036854775807GiB",
        ]
        var random = Xorshift(state: 0x5EED)
        var refused = 0
        for _ in 0..<3000 {
            var scalars = Array(seeds[random.below(seeds.count)].unicodeScalars)
            for _ in 0...random.below(4) {
                let at = random.below(scalars.count + 1)
                switch random.below(4) {
                case 0: scalars.insert(contentsOf: splices[random.below(splices.count)].unicodeScalars, at: at)
                case 1: scalars.removeSubrange(at..<min(scalars.count, at + random.below(20)))
                case 2:
                    let end = min(scalars.count, at + random.below(60))
                    scalars.insert(contentsOf: scalars[at..<end], at: random.below(scalars.count + 1))
                default:
                    if at < scalars.count {
                        scalars[at] = splices[random.below(splices.count)].unicodeScalars.first ?? "x"
                    }
                }
            }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            let all = problems(String(text))
            if !all.isEmpty { refused += 1 }
            #expect(all.allSatisfy { $0.hasPrefix("martlet.yaml") && !$0.contains("\n") && !$0.contains("\u{E001}") })
        }
        #expect((500..<3000).contains(refused), "\(refused) of 3000 were refused")
    }

    /// The same mutations in every run.
    private struct Xorshift {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(max(1, bound)))
        }
    }

    @Test("A file that cannot be read says why")
    func unreadableFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let missing = folder.appendingPathComponent("none.yaml").path
        #expect(loadProblem(missing) == "\(missing): cannot be read: No such file or directory")
        #expect(loadProblem(folder.path)?.hasPrefix("\(folder.path): cannot be read: ") == true)
        let binary = folder.appendingPathComponent("binary.yaml")
        try Data([0x70, 0xFF, 0xFE]).write(to: binary)
        #expect(loadProblem(binary.path) == "\(binary.path): is not UTF-8 text")
        let valid = folder.appendingPathComponent("martlet.yaml")
        try Data(onePool.utf8).write(to: valid)
        #expect(loadProblem(valid.path) == nil)
    }

    private func loadProblem(_ path: String) -> String? {
        do {
            _ = try Configuration.load(file: path, environment: [:])
            return nil
        } catch {
            return error.description
        }
    }
}
