import Foundation
import MartletTools
import Testing

/// A configuration with the pool `main` of one managed backend, `m`, as ``onePool(_:_:more:)``.
///
/// - Parameters:
///   - command: as a YAML list.
///   - keys: more lines of the backend.
///   - settings: lines of the pool.
func managed(_ command: String, _ keys: String..., pool settings: [String] = []) -> String {
    let lines = ["command: \(command)", "grace: 2s"] + keys
    return onePool(
        ["{backend: m}"], settings: settings,
        more: "backends:\n  m:\n" + lines.map { "    \($0)\n" }.joined())
}

/// The command of a mock backend.
func mockCommand(_ arguments: String = "--tokens, \"20\", --interval, 10ms") throws -> String {
    "[\(try Repository.binary.path), mock, --port, \"{port}\", \(arguments)]"
}

/// ``withMartlet(_:environment:under:body:)``, begun when the backends serve: at its end as many descriptors are open
/// as then, and no process that ever ran under it is left.
func withBackends(_ count: Int, _ configuration: String, body: (MartletProcess) async throws -> Void) async throws {
    let martlet = try await MartletProcess.start(configuration)
    do {
        try await martlet.awaitBackends(count)
        let baseline = try await martlet.rest()
        let open = try martlet.descriptorCount()
        try await body(martlet)
        try await martlet.settle(to: baseline)
        // Those that say something about processes are not files.
        try await until("descriptors to be given back", explain: { "\(open), \(try martlet.descriptorCount())" }) {
            try martlet.descriptorCount() <= open
        }
        let backends = martlet.startedBackends
        await martlet.stop()
        #expect(backends.count >= count)
        #expect(backends.allSatisfy { !ProcessFiles.lives($0) }, "no orphan")
    } catch {
        await martlet.stop()
        throw error
    }
}

extension MartletProcess {
    func awaitBackends(_ count: Int) async throws {
        try await until("\(count) backends to serve", within: .seconds(20), explain: { self.log() }) {
            let status = try await self.status()
            return status.backends.map(\.state) == Array(repeating: "ready", count: count)
                && status.pool("main")?.targets.count == count
        }
    }

    /// The instance that the configuration asks for; of the backend of this name, where there are several.
    func backend(_ instance: Int = 0, of name: String? = nil) async throws -> Status.Backend {
        let backends = try await status().backends.filter { name == nil || $0.name == name }
        return try #require(backends.first { $0.instance == instance && $0.isOutgoing != true })
    }

    /// Every process that it said it started.
    var startedBackends: [Int32] {
        log().matches(of: /"backend started".*?"pid":"(\d+)"/).compactMap { Int32($0.output.1) }
    }

}

/// What `/proc` says of processes.
enum ProcessFiles {
    /// Whether it runs; a dead one that nobody collected does not.
    static func lives(_ pid: Int32) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return !text[(text.lastIndex(of: ")") ?? text.startIndex)...].hasPrefix(") Z")
    }

    static func children(of pid: Int32) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").flatMap { task in
            ((try? String(contentsOfFile: "/proc/\(pid)/task/\(task)/children", encoding: .utf8)) ?? "")
                .split(separator: " ").compactMap { Int32($0) }
        }
    }

    /// Where each descriptor leads.
    static func links(of pid: Int32) throws -> [Int: String] {
        let folder = "/proc/\(pid)/fd"
        return try FileManager.default.contentsOfDirectory(atPath: folder).reduce(into: [:]) { links, name in
            guard let number = Int(name) else { return }
            links[number] = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
        }
    }
}
