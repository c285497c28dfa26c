import Foundation
import MartletBase
import MartletLogic
import Testing

@testable import Martlet

/// One table of keys: what the decoder reads, what the documentation lists and what holds by default agree with it.
@Suite("The table of keys is the whole truth")
struct ConfigurationKeysTests {
    /// A file in which every section exists, so that the decoder comes past every key.
    static let everySection = """
        listen:
          - {address: "a:1", tls: {certificate: a, key: b}}
        console: {tls: {certificate: a, key: b}}
        pools:
          chat:
            targets:
              - {url: "https://a:1", headers: {set: {x: a}, add: {x: a}}, tls: {}}
              - {backend: b}
        models:
          m: {pools: {chat: 1}}
        routes:
          - path: /
            pool: chat
            headers: {set: {x: a}, add: {x: a}}
            response_headers: {set: {x: a}, add: {x: a}}
            cache: {chatchat: on}
        backends:
          b: {command: [serve, "{port}"], environment: {a: b}}
        workers:
          - {app: model.py, environment: {a: b}, scale: {max: 2}}
        tasks:
          broker: {tls: {certificate: a, key: b}}
          webhooks: {secret: a}
          cron: {e: {schedule: "* * * * *", task: t, kwargs: {a: b}}}
        ollama: {models: {llama: m}}
        knowledge: {}
        """

    private func decode(_ root: ConfigurationNode) throws -> Configuration {
        try Configuration.decode(root, [:], ProblemList(file: "martlet.yaml"))
    }

    private func tree(_ text: String) throws -> ConfigurationNode {
        try #require(YAMLReader.read(text, environment: [:], problems: ProblemList(file: "martlet.yaml")))
    }

    @Test("The decoder asks for the keys of the table and no others")
    func decoderKnowsExactlyTheseKeys() throws {
        let context = Section.Context(problems: ProblemList(file: "martlet.yaml"))
        let item = Section.Item(path: SettingPath(), node: try tree(Self.everySection))
        let root = try #require(Section(item, context: context))
        _ = ConfigurationDecoder(root: root).decode()
        #expect(context.problems.error == nil)
        let known = Set(ConfigurationKeys.all.map(\.path))
        #expect(context.asked.subtracting(known) == [])
        #expect(known.subtracting(context.asked) == [])
        #expect(known.count == ConfigurationKeys.all.count, "a key is listed twice")
    }

    @Test("Every section of a key is itself a key")
    func parentsAreListed() {
        let known = Set(ConfigurationKeys.all.map(\.path) + [""])
        for key in ConfigurationKeys.all { #expect(known.contains(key.place.section), "\(key.path)") }
    }

    static let withDefault = ConfigurationKeys.all.filter { !$0.standard.isEmpty }

    @Test("Writing a default down changes nothing", arguments: withDefault.map(\.path))
    func defaultsAreTrue(_ path: String) throws {
        let key = try #require(ConfigurationKeys.all.first { $0.path == path })
        let base = try tree(Self.everySection)
        var written = base
        let steps = path.replacing("[]", with: ".[]").split(separator: ".").map(String.init)
        put(ConfigurationNode(text: key.standard, origin: .line(1)), at: steps[...], in: &written)
        var configuration = try decode(written)
        if path == "listen" {
            #expect(try configuration.listen == decoded(onePool).listen)
            return
        }
        if path == "routes[].cache.chatchat" {
            #expect(configuration.routes[0].replies == nil, "it is on where every section exists")
            return
        }
        // That it was written down is told apart on purpose.
        configuration.pools[0].policy.retry.isOnStated = false
        #expect(try configuration == decode(base))
    }

    @Test(
        "A default that is changed changes the configuration",
        arguments: withDefault.filter { $0.kind == .duration }.map(\.path))
    func valuesAreRead(_ path: String) throws {
        let base = try tree(Self.everySection)
        var written = base
        let steps = path.replacing("[]", with: ".[]").split(separator: ".").map(String.init)
        put(ConfigurationNode(text: "77s", origin: .line(1)), at: steps[...], in: &written)
        #expect(try decode(written) != decode(base))
    }

    /// Follows `*` into the first name and `[]` into the first item.
    private func put(_ value: ConfigurationNode, at path: ArraySlice<String>, in node: inout ConfigurationNode) {
        guard let key = path.first else {
            node = value
            return
        }
        if key == "[]", case .list(var items) = node.value {
            put(value, at: path.dropFirst(), in: &items[0])
            node.value = .list(items)
            return
        }
        var entries = node.entries ?? []
        let index = key == "*" ? 0 : entries.firstIndex { $0.key == key } ?? entries.endIndex
        if index == entries.endIndex {
            entries.append(.init(key: key, origin: .line(1), node: ConfigurationNode(.mapping([]), .line(1))))
        }
        put(value, at: path.dropFirst(), in: &entries[index].node)
        node.value = .mapping(entries)
    }

    // MARK: - Documentation

    static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../docs/configuration.md").standardized

    static func row(_ key: ConfigurationKey) -> String {
        let standard = key.standard.isEmpty ? "" : "`\(key.standard)`"
        return "| `\(key.path)` | \(key.kind.rawValue) | \(standard) | \(key.meaning) |"
    }

    @Test("The documentation has the row of every key, and no other rows")
    func documentationIsComplete() throws {
        let lines = try String(contentsOf: Self.page, encoding: .utf8).split(separator: "\n").map(String.init)
        let rows = ConfigurationKeys.all.map(Self.row)
        for row in rows where !lines.contains(row) { Issue.record("docs/configuration.md lacks the row:\n\(row)") }
        let known = Set(rows)
        for line in lines where line.hasPrefix("| `") && !known.contains(line) {
            Issue.record("docs/configuration.md has a row that the table of keys does not have:\n\(line)")
        }
    }

    @Test("Every example of the documentation is valid")
    func examplesAreValid() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        #expect(blocks.count >= 5)
        for block in blocks {
            #expect(problems(block, environment: ["VLLM_KEY": "sk-1", "CONSOLE_TOKEN": "t"]) == [], "\(block)")
        }
    }

    @Test("A hint leads to a key that exists")
    func hintsExist() {
        let paths = ConfigurationKeys.all.map { $0.path.replacing("*.", with: "").replacing("[]", with: "") }
        for (word, hint) in Suggestion.synonyms {
            #expect(paths.contains { $0 == hint || $0.hasSuffix("." + hint) }, "\(word) -> \(hint)")
        }
    }
}
