/// What bases and documents may be called. A name is never a path on the disk; all the same it is shown, logged and
/// put into addresses, and people who send `../` mean no good.
public enum KnowledgeName {
    /// In bytes of UTF-8.
    public static let longest = 255

    /// Whether nobody honest calls anything so: a way out of a folder, control characters.
    public static func isHostile(_ name: String) -> Bool {
        let steps = name.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
        return steps.contains { $0 == ".." } || name.unicodeScalars.contains(where: isControl)
    }

    /// Whether a document may have this name. Folders are part of it, as in `wiki/Home.md`.
    public static func isValid(document name: String) -> Bool {
        let steps = name.split(separator: "/", omittingEmptySubsequences: false)
        return isShort(name) && !isHostile(name) && !steps.contains { $0.isEmpty || $0 == "." }
    }

    /// Whether a base may have this name.
    public static func isValid(base name: String) -> Bool {
        isShort(name) && !isHostile(name) && name != "." && name.allSatisfy { !"/\\?#".contains($0) }
            && name.first?.isWhitespace == false && name.last?.isWhitespace == false
    }

    private static func isShort(_ name: String) -> Bool { (1...longest).contains(name.utf8.count) }

    /// Those of C0, C1, the ends of lines of Unicode, and what turns text around.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x2028...0x2029, 0x202a...0x202e, 0x2066...0x2069: true
        default: false
        }
    }
}
