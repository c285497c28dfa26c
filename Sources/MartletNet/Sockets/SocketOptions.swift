import Glibc
import MartletBase
package import NIOCore

/// The TCP settings that Martlet gives its sockets. On Linux an accepted socket inherits them from its listener.
package struct SocketOptions: Equatable, Sendable {
    /// Sends small writes at once (no Nagle).
    package var noDelay: Bool
    /// How long sent bytes may stay unacknowledged before the kernel gives the peer up for lost; nil leaves the
    /// kernel's own answer (about 15 minutes).
    package var userTimeout: Duration?
    /// Finds a peer that vanished while nothing was being sent; nil leaves it off.
    package var keepAlive: KeepAlive?

    /// Probes of an idle connection: the first after `idle`, then every `interval`; lost after `count` unanswered.
    package struct KeepAlive: Equatable, Sendable {
        package var idle: Duration
        package var interval: Duration
        package var count: Int

        package init(idle: Duration = .seconds(30), interval: Duration = .seconds(10), count: Int = 3) {
            self.idle = idle
            self.interval = interval
            self.count = count
        }
    }

    package init(noDelay: Bool = true, userTimeout: Duration? = .seconds(30), keepAlive: KeepAlive? = KeepAlive()) {
        self.noDelay = noDelay
        self.userTimeout = userTimeout
        self.keepAlive = keepAlive
    }

    /// What clients and upstreams get: no Nagle, 30 s for unacknowledged bytes, a vanished peer found in 60 s.
    package static let standard = SocketOptions()

    /// Applies the settings to a TCP channel, on its own event loop; does nothing to a Unix domain socket.
    package func apply(to channel: any Channel) throws {
        guard let options = channel.syncOptions, !channel.isUnixDomain else { return }
        try options.setOption(.tcpOption(.tcp_nodelay), value: noDelay ? 1 : 0)
        if let userTimeout {
            try options.setOption(.tcpOption(.userTimeout), value: Int(userTimeout.wholeNanoseconds / 1_000_000))
        }
        guard let keepAlive else { return }
        try options.setOption(.socketOption(.so_keepalive), value: 1)
        try options.setOption(.tcpOption(.keepIdle), value: Int(keepAlive.idle.components.seconds))
        try options.setOption(.tcpOption(.keepInterval), value: Int(keepAlive.interval.components.seconds))
        try options.setOption(.tcpOption(.keepCount), value: keepAlive.count)
    }
}

extension NIOBSDSocket.Option {
    fileprivate static let keepIdle = NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE)
    fileprivate static let keepInterval = NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL)
    fileprivate static let keepCount = NIOBSDSocket.Option(rawValue: TCP_KEEPCNT)
    fileprivate static let userTimeout = NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT)
}

extension Channel {
    fileprivate var isUnixDomain: Bool {
        if case .unixDomainSocket? = localAddress { true } else { false }
    }
}
