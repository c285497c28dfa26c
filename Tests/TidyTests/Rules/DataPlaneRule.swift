/// The data plane runs on event loops: no tasks, no Foundation.
enum DataPlaneRule {
    private static let withoutTasks: Set = ["MartletGateway", "MartletExchange", "MartletLogic", "MartletWire"]
    private static let withoutFoundation = withoutTasks.union(["MartletBase"])
    /// Starts the in-process handlers, one task for each request.
    private static let mayStartTasks = "Sources/MartletGateway/Local/LocalLeg.swift"
    private static let foundations: Set = ["Foundation", "FoundationEssentials", "FoundationNetworking"]

    static func check(_ source: SwiftSource) -> [Violation] {
        source.lines.flatMap { line -> [Violation] in
            var found: [Violation] = []
            if withoutTasks.contains(source.target), source.path != mayStartTasks, startsTask(line.code) {
                found.append(
                    Violation(
                        path: source.path, line: line.number, what: "a task on the data plane",
                        instead: "return an action, or use the event loop",
                        why: "a request lives and dies on one event loop"))
            }
            let module = ImportRule.module(line.code) ?? ""
            if withoutFoundation.contains(source.target), foundations.contains(module) {
                found.append(
                    Violation(
                        path: source.path, line: line.number, what: "Foundation in \(source.target)",
                        instead: "use the standard library, NIO or Glibc",
                        why: "it allocates and locks where nothing may"))
            }
            return found
        }
    }

    private static func startsTask(_ code: String) -> Bool {
        let words = SwiftSource.tokens(code).map(\.text)
        return words.indices.contains { index in
            guard words[index] == "Task", index + 1 < words.count else { return false }
            let rest = words[(index + 1)...].prefix(2).joined()
            return rest.hasPrefix("{") || rest.hasPrefix("(") || rest == ".detached" || rest == ".immediate"
        }
    }
}
