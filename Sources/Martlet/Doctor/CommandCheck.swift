import Foundation
import MartletWorkers

/// A program that has to be there.
enum CommandFacts: Sendable, Equatable {
    /// Where it was found.
    case executable(String)
    case notExecutable(String)
    case missing

    /// Finds a program as the system does: a name in `PATH`, a path from the folder that it is started in.
    init(_ program: String, in directory: String? = nil, path: String) {
        let isName = !program.contains("/")
        let folders = isName ? path.split(separator: ":").map(String.init) : [directory ?? "."]
        var found: String?
        for folder in folders {
            let candidate = program.hasPrefix("/") ? program : "\(folder)/\(program)"
            guard FileManager.default.isFolder(candidate) == false else { continue }
            if FileManager.default.isExecutableFile(atPath: candidate) {
                self = .executable(candidate)
                return
            }
            found = found ?? candidate
        }
        self = found.map(CommandFacts.notExecutable) ?? .missing
    }
}

enum CommandCheck {
    /// The system's own `PATH` where the environment has none.
    private static let standardPath = "/usr/local/bin:/usr/bin:/bin"

    static func findings(_ backends: [BackendSpec], environment: [String: String]) -> [Finding] {
        let path = environment["PATH"] ?? standardPath
        // Every backend is started through the first, and through the second where it has limits.
        var helpers = backends.isEmpty ? [] : ["setpriv"]
        let areLimited = backends.contains { $0.openFiles != nil || $0.addressSpaceBytes != nil }
        if areLimited { helpers.append("prlimit") }
        return helpers.map { finding($0, $0, CommandFacts($0, path: path), remedy: "apt-get install util-linux") }
            + backends.flatMap { backend in
                let path = backend.environment["PATH"] ?? path
                let folder = folder(of: backend)
                let program = backend.command.first ?? ""
                let command = finding(
                    "backends.\(backend.name).command", program,
                    CommandFacts(program, in: backend.directory, path: path),
                    remedy: "backends.\(backend.name).command: the program's whole path first")
                return [folder, command].compactMap { $0 }
            }
    }

    /// What the demo models are installed with.
    static func python(environment: [String: String]) -> Finding {
        let facts = CommandFacts("python3", path: environment["PATH"] ?? standardPath)
        return finding("python3", "python3", facts, remedy: "apt-get install python3-venv")
    }

    static func finding(_ check: String, _ program: String, _ facts: CommandFacts, remedy: String) -> Finding {
        switch facts {
        case .executable(let path): .ok(check, path)
        case .notExecutable(let path): .failure(check, "\(path) is not executable", remedy: "chmod +x \(path)")
        case .missing: .failure(check, "\(program) is not there", remedy: remedy)
        }
    }

    private static func folder(of backend: BackendSpec) -> Finding? {
        guard let directory = backend.directory else { return nil }
        let check = "backends.\(backend.name).directory"
        guard FileManager.default.isFolder(directory) == true else {
            return .failure(check, "\(directory) is no folder", remedy: "mkdir -p \(directory)")
        }
        return .ok(check, directory)
    }
}
