import Foundation

/// What was copied from one broker to another.
package struct CopyReport: Sendable, Equatable {
    /// Messages of one list.
    package struct List: Sendable, Equatable {
        package var name: String
        /// Put there now.
        package var copied = 0
        /// There already, or copied before.
        package var known = 0
        /// Refused by the destination, and the first reason.
        package var refused = 0
        package var reason = ""
    }

    /// Messages that waited for workers, priorities apart; dead letters are lists as well. In the order of their names.
    package var lists: [List] = []
    /// Of the messages, those that workers had taken: they are marked as delivered before.
    package var taken = 0
    /// Of the messages, those that waited for their time at a broker of Martlet's.
    package var delayed = 0
    /// Messages that workers had taken from a queue that nobody names: they stay where they are.
    package var unplaced = 0
    package var bindings = 0
    package var results = 0
    package var others = 0
    /// Keys that were there already, and were left as they are there.
    package var kept = 0
    /// Keys of types that queues do not have, such as streams: they stay where they are.
    package var strange = 0
    /// Messages that are not there when all is over: workers of the destination took them, or they are lost.
    package var missing = 0
    /// The source changed while it was read.
    package var isMoving = false

    package var copied: Int { lists.reduce(0) { $0 + $1.copied } }
    package var known: Int { lists.reduce(0) { $0 + $1.known } }
    package var refused: Int { lists.reduce(0) { $0 + $1.refused } }
    /// Nothing is left to be done.
    package var isComplete: Bool { refused == 0 && unplaced == 0 && missing == 0 && !isMoving }

    mutating func add(_ list: List) {
        guard let place = lists.firstIndex(where: { $0.name == list.name }) else { return lists.append(list) }
        lists[place].copied += list.copied
        lists[place].known += list.known
        lists[place].refused += list.refused
        if lists[place].reason.isEmpty { lists[place].reason = list.reason }
    }

    /// For the person who asked.
    package var text: String {
        var lines = lists.sorted { $0.name < $1.name }.map { list in
            "\(Self.shown(list.name)): \(list.copied) copied"
                + (list.known > 0 ? ", \(list.known) there already" : "")
                + (list.refused > 0 ? ", \(list.refused) refused: \(list.reason)" : "")
        }
        lines.append(
            "\(copied) messages (\(taken) that workers had, \(delayed) that wait for their time), "
                + "\(results) results, \(bindings) bindings, \(others) other keys")
        if kept > 0 { lines.append("\(kept) keys were there already and stay as they are there") }
        if unplaced > 0 {
            lines.append("\(unplaced) messages that workers had are of queues that nobody names: they were not copied")
        }
        if strange > 0 { lines.append("\(strange) keys of types that queues do not have were not copied") }
        if missing > 0 {
            lines.append("\(missing) messages are not there any more: do workers take them already?")
        }
        if isMoving { lines.append("the source changed meanwhile: stop its producers and workers, and copy again") }
        lines.append(isComplete ? "verified: every message is there" : "not everything is there")
        return lines.joined(separator: "\n")
    }

    /// Priorities as people write them.
    private static func shown(_ list: String) -> String {
        list.components(separatedBy: "\u{6}\u{16}").joined(separator: " priority ")
    }
}

/// Why nothing was copied.
package enum CopyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Of the destination, and how many.
    case hasData(keys: Int)
    case same
    /// What a server said that cannot be understood.
    case strange(String)

    package var description: String {
        switch self {
        case .hasData(let keys):
            "the destination has \(keys) keys: say --into-existing to copy beside them; what is there stays"
        case .same: "both are the same database of the same server"
        case .strange(let text): "not understood: \(text)"
        }
    }
}
