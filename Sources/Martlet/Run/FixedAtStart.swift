/// A reload wants what only a start can change.
struct FixedAtStart: Error, CustomStringConvertible {
    let description: String

    /// Producers and workers hold on to their broker, and what they were told is in its store: tasks stay what they
    /// were at the start.
    static func check(_ tasks: TasksConfiguration?, against present: TasksConfiguration?) throws {
        guard tasks != present else { return }
        throw FixedAtStart(description: "tasks: does not change under a reload; restart Martlet to change it")
    }

    /// What stands in a base was read and embedded by what the start said, and its store is open.
    static func check(_ knowledge: KnowledgeConfiguration?, against present: KnowledgeConfiguration?) throws {
        guard knowledge != present else { return }
        throw FixedAtStart(description: "knowledge: does not change under a reload; restart Martlet to change it")
    }
}
