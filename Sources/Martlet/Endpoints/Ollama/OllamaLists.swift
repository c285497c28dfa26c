import MartletBase
import MartletTelemetry
import MartletWire

/// What Ollama's clients are told of models. Martlet knows their names and nothing of their files: sizes are zero, and
/// a digest is that of the name.
struct OllamaLists: Sendable {
    /// The version of Ollama whose API this is; clients ask for it to know what they may use.
    static let version = "0.12.6"

    /// A time that does not come: no model is unloaded for want of use.
    private static let never = "2318-01-01T00:00:00Z"
    private static let details: JSON = [
        "parent_model": "", "format": "", "family": "", "families": [], "parameter_size": "",
        "quantization_level": "",
    ]

    /// When this process began to serve.
    let started: WallTime

    /// `/api/tags`.
    func tags(_ names: [String]) -> JSON { ["models": .array(names.map { entry($0) })] }

    /// `/api/ps`.
    func running(_ names: [String]) -> JSON {
        let entries = names.map { name in
            var entry = entry(name)
            entry["expires_at"] = .string(Self.never)
            entry["size_vram"] = 0
            return entry
        }
        return ["models": .array(entries)]
    }

    /// `/api/show`. Whether a model can call tools or see images is its own affair: it is asked.
    func shown() -> JSON {
        [
            "modelfile": "", "parameters": "", "template": "", "details": Self.details, "model_info": [:],
            "capabilities": ["completion", "tools"], "modified_at": .string(started.text),
        ]
    }

    /// As long as those of Ollama, which clients cut.
    private static func digest(of name: String) -> String {
        (0..<4).map { part in
            let digits = String(FNV1a.of("\(part) \(name)"), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    private func entry(_ name: String) -> JSON {
        [
            "name": .string(name), "model": .string(name), "modified_at": .string(started.text), "size": 0,
            "digest": .string(Self.digest(of: name)), "details": Self.details,
        ]
    }
}
