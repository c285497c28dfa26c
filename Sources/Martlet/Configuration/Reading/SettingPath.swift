/// The keys that lead to a value: as the operator reads them (`pools.chat.targets[1].weight`) and as the table of keys
/// lists them (`pools.*.targets[].weight`).
struct SettingPath: Sendable, Hashable {
    private(set) var text = ""
    private(set) var pattern = ""

    /// The value of a key that the table of keys names.
    func key(_ key: String) -> SettingPath {
        appending(".", Self.quoted(key), ".", key)
    }

    /// The value of a key that the operator chose.
    func name(_ name: String) -> SettingPath {
        appending(".", Self.quoted(name), ".", "*")
    }

    func index(_ index: Int) -> SettingPath {
        appending("", "[\(index)]", "", "[]")
    }

    private func appending(_ separator: String, _ text: String, _ mark: String, _ pattern: String) -> SettingPath {
        var path = self
        path.text += (path.text.isEmpty ? "" : separator) + text
        path.pattern += (path.pattern.isEmpty ? "" : mark) + pattern
        return path
    }

    private static func quoted(_ key: String) -> String {
        let isWord = !key.isEmpty && key.utf8.allSatisfy { isDigit($0) || isLetter($0) || "_-".utf8.contains($0) }
        return isWord ? key : "\"\(printable(key.prefix(60)))\""
    }
}
