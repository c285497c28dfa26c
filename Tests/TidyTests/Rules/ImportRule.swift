/// Which room may see which: the architecture's table. You may look down the stairs, never up.
enum ImportRule {
    private static let nio: Set = ["NIOCore", "NIOPosix", "NIOTLS", "NIOSSL", "NIOConcurrencyHelpers"]
    private static let system: Set = ["Glibc", "Synchronization", "Dispatch"]
    private static let hands: Set = [
        "MartletBase", "MartletLogic", "MartletExchange", "MartletNet", "MartletWire", "MartletStore",
        "MartletTelemetry", "CMartlet",
    ]
    private static let workshop = hands.union(nio).union(system).union(["Logging", "ServiceLifecycle"])

    /// The library wires all rooms, and its tests' helpers may know any of them.
    private static let unrestricted: Set = ["Martlet", "MartletTesting"]

    private static let table: [String: Set<String>] = [
        "MartletBase": ["Synchronization"],
        "MartletLogic": ["MartletBase"],
        "CMartlet": [],
        "MartletWire": ["MartletBase", "NIOCore"],
        "MartletNet": nio.union(system).union([
            "MartletBase", "MartletWire", "CMartlet", "Subprocess", "SystemPackage",
        ]),
        // GRDB takes and gives bytes as Foundation's `Data`.
        "MartletStore": system.union(["MartletBase", "GRDB", "Foundation"]),
        "MartletTelemetry": system.union(["MartletBase", "Logging", "Foundation"]),
        "MartletExchange": [
            "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTelemetry", "NIOCore",
            "Synchronization",
        ],
        "MartletGateway": workshop,
        "MartletWorkers": workshop.union(["FoundationEssentials"]),
        "MartletTasks": workshop.union(["Foundation"]),
        "MartletKnowledge": workshop.union(["Foundation", "CXML2", "CZlib", "CUchardet", "CCrypto"]),
        "MartletCluster": workshop.union(["Foundation"]),
        "MartletConsole": workshop.union([
            "Foundation", "MartletGateway", "MartletWorkers", "MartletTasks", "MartletKnowledge", "MartletCluster",
        ]),
        "MartletTools": nio.union(system).union(["MartletBase", "CMartlet", "ArgumentParser", "Foundation"]),
        "martlet": ["Martlet", "MartletTools", "ArgumentParser", "Foundation", "Glibc"],
    ]

    static func check(_ source: SwiftSource) -> [Violation] {
        guard !unrestricted.contains(source.target) else { return [] }
        guard let allowed = table[source.target] else {
            return [
                Violation(
                    path: source.path, line: 1, what: "\(source.target) is no room of the house",
                    instead: "add it to the table of the architecture and to this one",
                    why: "a room's place decides what it may see")
            ]
        }
        return source.lines.compactMap { line in
            guard let module = module(line.code), !allowed.contains(module) else { return nil }
            let instead =
                module == "Foundation"
                ? "use the standard library or Glibc" : "move the code to a room that may, or turn the dependency round"
            return Violation(
                path: source.path, line: line.number, what: "\(source.target) imports \(module)", instead: instead,
                why: "architecture, floors and rooms")
        }
    }

    /// The module of an import line, whatever stands before it.
    static func module(_ code: String) -> String? {
        let words = SwiftSource.tokens(code).map(\.text)
        let before: Set = [
            "@", "testable", "preconcurrency", "_exported", "public", "package", "internal", "fileprivate", "private",
        ]
        guard let place = words.firstIndex(of: "import"), words[..<place].allSatisfy(before.contains) else {
            return nil
        }
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        return words[(place + 1)...].first { !kinds.contains($0) }
    }
}
