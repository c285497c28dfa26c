import Foundation
import MartletTelemetry

/// `martlet fds`: what a Martlet and every process it runs have open.
package struct FilesReport: Encodable, Sendable {
    package struct Process: Encodable, Sendable {
        package var pid: Int32
        package var name: String
        /// nil: the process may not be looked at.
        package var open: Int?
        package var limit: Int?
        /// By what they are: `socket`, `pipe`, `epoll`, …
        package var kinds: [String: Int] = [:]
        /// By their state: `listen`, `established`, `close_wait`, …
        package var sockets: [String: Int] = [:]
        /// What there is most of.
        package var most: [Group] = []
        /// Sockets that their peers left and that are still open here.
        package var closeWait: [Group] = []
    }

    /// Descriptors that are alike.
    package struct Group: Encodable, Sendable, Equatable {
        package var what: String
        package var count: Int
    }

    package var processes: [Process]

    package enum Failure: Error, CustomStringConvertible {
        case noProcess(Int32)

        package var description: String {
            switch self {
            case .noProcess(let pid): "there is no process \(pid) that may be looked at"
            }
        }
    }

    /// Of the process `pid`, of the one that supervises it, and of all that they run.
    package init(of pid: Int32) throws {
        let table = ProcessTable.now()
        let sockets = SocketTable(of: pid)
        processes = table.family(of: table.supervisor(of: pid) ?? pid).map { Process($0, sockets) }
        guard processes.contains(where: { $0.open != nil }) else { throw Failure.noProcess(pid) }
    }

    package var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// For a person at a terminal.
    package var text: String { processes.map(\.text).joined(separator: "\n") }
}

extension FilesReport.Process {
    private static let most = 5

    fileprivate init(_ entry: ProcessTable.Entry, _ table: SocketTable) {
        self.init(pid: entry.pid, name: entry.name)
        guard let held = HeldFiles(of: entry.pid, sockets: table) else { return }
        open = held.files.count
        limit = held.limit
        for file in held.files {
            kinds[file.kind.rawValue, default: 0] += 1
            if file.kind == .socket { sockets[file.socket?.state ?? "other", default: 0] += 1 }
        }
        let listening = Set(
            held.files.compactMap(\.socket).filter { $0.state == "listen" }.compactMap { Self.port($0.local) })
        most = Self.groups(held.files.filter { $0.socket?.state != "listen" }, listening).filter { $0.count > 1 }
        most = Array(most.prefix(Self.most))
        closeWait = Self.groups(held.files.filter { $0.socket?.state == "close_wait" }, listening)
    }

    private static func groups(_ files: [HeldFiles.Held], _ listening: Set<Substring>) -> [FilesReport.Group] {
        let counts = files.reduce(into: [String: Int]()) { $0[name($1, listening), default: 0] += 1 }
        return counts.map { FilesReport.Group(what: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.what) < ($0.count, $1.what) }
    }

    /// One name for what is alike: a client without its port, a target with it.
    private static func name(_ file: HeldFiles.Held, _ listening: Set<Substring>) -> String {
        guard let socket = file.socket else {
            return file.kind == .file ? file.link : file.kind == .socket ? "socket" : file.kind.rawValue
        }
        guard !socket.remote.isEmpty else { return "\(socket.family) \(socket.state) \(socket.local)" }
        if let port = port(socket.local), listening.contains(port), let colon = socket.remote.lastIndex(of: ":") {
            return "\(socket.family) \(socket.state) at :\(port) from \(socket.remote[..<colon])"
        }
        return "\(socket.family) \(socket.state) to \(socket.remote)"
    }

    private static func port(_ endpoint: String) -> Substring? {
        endpoint.lastIndex(of: ":").map { endpoint[endpoint.index(after: $0)...] }
    }

    fileprivate var text: String {
        guard let open else { return "\(name) (pid \(pid)): may not be looked at; try as its user, or as root" }
        var lines = ["\(name) (pid \(pid)): \(open) open of \(limit.map { "\($0)" } ?? "any number")"]
        for (kind, count) in kinds.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            let states = sockets.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
            lines.append(Self.row(count, kind, kind == "socket" ? states.joined(separator: ", ") : ""))
        }
        if !most.isEmpty { lines.append("  most of all") }
        lines += most.map { Self.row($0.count, $0.what) }
        if !closeWait.isEmpty {
            lines.append("  CLOSE_WAIT: the peer has left, the socket is still open here")
            lines += closeWait.map { Self.row($0.count, $0.what) }
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ count: Int, _ what: String, _ more: String = "") -> String {
        let number = "\(count)"
        let padded = String(repeating: " ", count: max(0, 8 - number.count)) + number
        return "\(padded)  \(what)\(more.isEmpty ? "" : ": \(more)")"
    }
}
