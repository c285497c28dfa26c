/// What an open descriptor is: the `kind` label of `martlet_fds`.
package enum FDKind: String, CaseIterable, Sendable {
    case socket, pipe, epoll, eventfd, timerfd, file, other

    /// From the target of a link in `/proc/self/fd`, such as `socket:[1234]`.
    package init(link: String) {
        switch link {
        case _ where link.hasPrefix("socket:"): self = .socket
        case _ where link.hasPrefix("pipe:"): self = .pipe
        case "anon_inode:[eventpoll]": self = .epoll
        case _ where link.hasPrefix("anon_inode:[eventfd"): self = .eventfd
        case _ where link.hasPrefix("anon_inode:[timerfd"): self = .timerfd
        case _ where link.hasPrefix("/"): self = .file
        default: self = .other
        }
    }

    /// Pipes to the standard streams of children: all but those that are our own standard streams.
    package static func pipesOfChildren(_ census: [FDKind: Int]) -> Int {
        let own = (0...2).count { ProcFile.link("/proc/self/fd/\($0)").map(FDKind.init(link:)) == .pipe }
        return max(0, (census[.pipe] ?? 0) - own)
    }

    /// The open descriptors of this process, counted by kind.
    package static func census() -> [FDKind: Int] {
        var counts: [FDKind: Int] = [:]
        for link in ProcFile.links(in: "/proc/self/fd") {
            counts[FDKind(link: link), default: 0] += 1
        }
        return counts
    }
}
