/// The open descriptors of one process, told apart as far as the kernel tells.
package struct HeldFiles: Sendable {
    package struct Held: Sendable, Equatable {
        package let number: Int
        package let kind: FDKind
        /// Of a socket that the kernel lists.
        package let socket: SocketTable.Socket?
        /// Where the link points, such as a path.
        package let link: String
    }

    package let files: [Held]
    /// The soft limit; nil when it cannot be read, or there is none.
    package let limit: Int?

    /// nil: the process is gone, or another user's.
    package init?(of pid: Int32, sockets: SocketTable) {
        let folder = "/proc/\(pid)/fd"
        let names = ProcFile.entries(of: folder)
        guard !names.isEmpty else { return nil }
        files = names.compactMap { name in
            guard let number = Int(name), let link = ProcFile.link("\(folder)/\(name)") else { return nil }
            let kind = FDKind(link: link)
            return Held(number: number, kind: kind, socket: kind == .socket ? sockets[link] : nil, link: link)
        }.sorted { $0.number < $1.number }
        limit = ProcFile.text("/proc/\(pid)/limits").flatMap(Self.limit)
    }

    static func limit(_ text: String) -> Int? {
        let name = "Max open files"
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { $0.dropFirst(name.count).split(separator: " ").first }.flatMap { Int($0) }
    }
}
