import Glibc
import Logging
import MartletExchange
import MartletGateway
import MartletNet
import MartletTelemetry
import NIOCore

/// The listening sockets of a server: opened once, kept by the supervising parent, and changed under way by a reload.
actor Listeners {
    /// An address as the configuration wants it.
    struct Wanted: Sendable {
        /// The key in the configuration: `listen` or `console.address`.
        var key: String
        var address: ListenAddress
        var served: Site.Served
        /// nil without TLS.
        var validity: CertificateValidity?
        /// Not closed by a drain.
        var isConsole = false
        /// What tells it from the others, in this process and the next.
        var name: String
    }

    /// Listeners for a configuration that is not in force yet: everything about them that can fail is done, and none
    /// of them accepts.
    struct Prepared: Sendable {
        fileprivate var listeners: [String: Open] = [:]
        /// What the process before this one left, in case all this comes to nothing.
        fileprivate var inherited: [String: CInt] = [:]
        /// Those that the parent keeps since then.
        fileprivate var kept: [String] = []
    }

    fileprivate struct Open: Sendable {
        let listener: Listener
        let site: Site
        let isConsole: Bool
        let isTLS: Bool
        var validity: CertificateValidity?
    }

    private let keeper: SocketKeeper
    private let resolver: NameResolver
    private let loops: LoopTable
    private let logger: Logger
    private var open: [String: Open] = [:]
    /// The process drains: no public address is opened any more.
    private var isClosing = false

    init(keeper: SocketKeeper, resolver: NameResolver, loops: LoopTable, logger: Logger) {
        self.keeper = keeper
        self.resolver = resolver
        self.loops = loops
        self.logger = logger
    }

    /// Opens what is wanted and not open yet, accepting nothing. Throws a `ListenError` for the first that cannot be
    /// opened, and then leaves nothing behind.
    func prepare(_ wanted: [Wanted]) async throws -> Prepared {
        try refuseLapsed(wanted)
        var prepared = Prepared()
        for one in wanted where open[one.name] == nil {
            do {
                try await prepare(one, &prepared)
            } catch {
                await giveUp(prepared)
                throw ListenError(key: one.key, address: one.address, cause: error)
            }
        }
        return prepared
    }

    /// A renewal that went wrong must not take the place of a certificate that is valid. One that lapses while it is
    /// served, or is there at the start, serves on: it stands in the way of nobody who does not look at it.
    private func refuseLapsed(_ wanted: [Wanted]) throws {
        let now = Int(WallTime.now().milliseconds / 1000)
        for one in wanted {
            guard let problem = one.validity?.problem(at: now) else { continue }
            if let present = open[one.name]?.validity, present.problem(at: now) == nil {
                throw LapsedCertificate(description: "\(one.key): \(problem)")
            }
            logger.warning("certificate is not valid", metadata: ["error": "\(problem)"])
        }
    }

    private func prepare(_ wanted: Wanted, _ prepared: inout Prepared) async throws {
        let socket = try await socket(for: wanted, &prepared)
        let site = Site(wanted.served)
        let listener = try await Listener.open(socket, site: site, loops: loops, logger: logger)
        prepared.listeners[wanted.name] = Open(
            listener: listener, site: site, isConsole: wanted.isConsole, isTLS: wanted.served.tls != nil,
            validity: wanted.validity)
    }

    private func socket(for wanted: Wanted, _ prepared: inout Prepared) async throws -> CInt {
        if let inherited = keeper.take(wanted.name) {
            prepared.inherited[wanted.name] = inherited
            return try ListenSocket.copy(of: inherited)
        }
        let socket = try ListenSocket.open(on: try await wanted.address.resolved(by: resolver))
        do {
            try keeper.keep(wanted.name, socket)
        } catch {
            Glibc.close(socket)
            throw error
        }
        prepared.kept.append(wanted.name)
        return socket
    }

    private func giveUp(_ prepared: Prepared) async {
        for name in prepared.kept { keeper.drop(name) }
        for open in prepared.listeners.values { await open.listener.close() }
        // Wanted yet, perhaps, by the configuration of before.
        for (name, socket) in prepared.inherited { keeper.putBack(name, socket) }
    }

    /// Serves exactly what is wanted from now on: what was prepared, and what is open already. The others are closed;
    /// their connections live on.
    func serve(_ wanted: [Wanted], _ prepared: Prepared) async {
        for socket in prepared.inherited.values { Glibc.close(socket) }
        for one in wanted {
            if let present = open[one.name] {
                present.site.swap(one.served)
                open[one.name]?.validity = one.validity
            } else if let new = prepared.listeners[one.name] {
                guard !isClosing || one.isConsole else {
                    keeper.drop(one.name)
                    await new.listener.close()
                    continue
                }
                open[one.name] = new
                await new.listener.accept()
            }
        }
        let names = Set(wanted.map(\.name))
        await close { name, _ in !names.contains(name) }
    }

    /// Takes no more connections on the public addresses.
    func closePublic() async {
        isClosing = true
        await close { _, open in !open.isConsole }
    }

    func closeAll() async {
        await close { _, _ in true }
    }

    private func close(_ isMeant: (String, Open) -> Bool) async {
        for (name, leaving) in open where isMeant(name, leaving) {
            open[name] = nil
            // The parent first: while it holds a copy, the kernel goes on taking connections that nobody would serve.
            keeper.drop(name)
            await leaving.listener.close()
        }
    }

    /// The URL that `name` is reached at, the port that was picked included.
    func url(_ name: String) -> String? {
        open[name].map { $0.listener.address.url(isTLS: $0.isTLS) }
    }
}

extension Listeners.Wanted {
    /// `settings` are completed by what the address itself says.
    init(_ listen: ListenConfiguration, router: Router, settings: FrontSettings, named name: String) throws {
        self.init(
            key: "listen", address: listen.address,
            served: Site.Served(router, settings: settings, tls: try listen.tls.map { try TLSServer($0) }),
            validity: listen.tls.flatMap { CertificateValidity($0) }, name: name)
    }

    init(_ console: ConsoleConfiguration, router: Router, settings: FrontSettings) throws {
        var settings = settings
        settings.outlivesDrain = true
        self.init(
            key: "console.address", address: console.address,
            served: Site.Served(router, settings: settings, tls: try console.tls.map { try TLSServer($0) }),
            validity: console.tls.flatMap { CertificateValidity($0) }, isConsole: true, name: console.name)
    }
}

extension TLSServer {
    fileprivate init(_ settings: TLSServerConfiguration) throws {
        try self.init(certificate: settings.certificate, key: settings.key, clientCA: settings.clientCA)
    }
}
