import NIOCore

/// What the configuration changes in the header fields of a request or an answer, compiled to bytes.
package struct HeaderEdits: Sendable {
    /// Lower-case names whose fields are dropped before ours are added: those of `remove` and `set`.
    package var dropped: [String]
    /// The lines of `set` and `add`.
    package var lines: HeaderLines
    /// The same as names and values, for requests of the control plane.
    package var fields: [(name: String, value: String)]

    package init(set: [(String, String)] = [], add: [(String, String)] = [], remove: [String] = []) {
        dropped = remove.map { $0.lowercased() } + set.map { $0.0.lowercased() }
        lines = HeaderLines()
        fields = (set + add).map { (name: $0.0, value: $0.1) }
        for field in fields { lines.append(field.name, field.value) }
    }

    package var isEmpty: Bool { dropped.isEmpty && lines.bytes.readableBytes == 0 }
}
