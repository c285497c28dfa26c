import Glibc

/// The names of workers, as `celery worker -n` has them.
enum NodeName {
    static let usual = "celery@%h"

    /// Puts in what `%h` (the whole name of the host), `%n` (its first part), `%d` (the rest) and `%%` stand for. A
    /// name without a host gets this one's.
    static func expand(_ name: String, host: String) -> String {
        let parts = host.split(separator: ".", maxSplits: 1)
        let (first, others) = (parts.first.map(String.init) ?? host, parts.count == 2 ? String(parts[1]) : "")
        let meanings: [Character: String] = ["h": host, "n": first, "d": others, "%": "%"]
        var text = ""
        var rest = (name.contains("@") ? name : name + "@%h")[...]
        while let character = rest.popFirst() {
            if character == "%", let next = rest.first, let meaning = meanings[next] {
                text += meaning
                rest.removeFirst()
            } else {
                text.append(character)
            }
        }
        return text
    }

    /// What this machine calls itself.
    static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        // SAFETY: the call writes no more than it is told there is room for.
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
