import Glibc
import Logging
import MartletExchange
import MartletGateway
import MartletNet
import NIOCore

/// The listening sockets of a server: opened once, kept by the supervising parent, and changed under way by a reload.
actor Listeners {
    /// An address as the configuration wants it.
    struct Wanted: Sendable {
        /// The key in the configuration: `listen` or `console.address`.
        var key: String
        var address: ListenAddress
        var served: Site.Served
        /// Not closed by a drain.
        var isConsole = false
        /// What tells it from the others, in this process and the next.
        var name: String
    }

    /// Sockets that are bound for a configuration that is not in force yet.
    struct Prepared: Sendable {
        fileprivate var sockets: [String: CInt] = [:]
        /// Those of them that the process before this one left.
        fileprivate var inherited: Set<String> = []
    }

    private struct Open {
        let listener: Listener
        let site: Site
        let isConsole: Bool
        let isTLS: Bool
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

    /// Binds what is wanted and not open yet. Throws a `ListenError` for the first that cannot be, and binds none.
    func prepare(_ wanted: [Wanted]) async throws -> Prepared {
        var prepared = Prepared()
        for one in wanted where open[one.name] == nil {
            do {
                try await bind(one, &prepared)
            } catch {
                giveUp(prepared)
                throw ListenError(key: one.key, address: one.address, cause: error)
            }
        }
        return prepared
    }

    private func bind(_ wanted: Wanted, _ prepared: inout Prepared) async throws {
        if let inherited = keeper.take(wanted.name) {
            prepared.sockets[wanted.name] = inherited
            prepared.inherited.insert(wanted.name)
            return
        }
        let socket = try ListenSocket.open(on: try await wanted.address.resolved(by: resolver))
        prepared.sockets[wanted.name] = socket
        try keeper.keep(wanted.name, socket)
    }

    /// What was inherited may be wanted yet, by the configuration of before.
    private func giveUp(_ prepared: Prepared) {
        for (name, socket) in prepared.sockets {
            if prepared.inherited.contains(name) {
                keeper.putBack(name, socket)
            } else {
                Glibc.close(socket)
                keeper.drop(name)
            }
        }
    }

    /// Serves exactly what is wanted from now on: what was prepared, and what is open already. The others are closed;
    /// their connections live on.
    func serve(_ wanted: [Wanted], _ prepared: Prepared) async throws {
        for one in wanted {
            if let present = open[one.name] {
                present.site.swap(one.served)
            } else if let socket = prepared.sockets[one.name] {
                guard !isClosing || one.isConsole else {
                    Glibc.close(socket)
                    keeper.drop(one.name)
                    continue
                }
                let site = Site(one.served)
                let listener = try await Listener.open(socket, site: site, loops: loops, logger: logger)
                open[one.name] = Open(
                    listener: listener, site: site, isConsole: one.isConsole, isTLS: one.served.tls != nil)
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
            served: Site.Served(router, settings: settings, tls: try listen.tls.map { try TLSServer($0) }), name: name)
    }

    init(_ console: ConsoleConfiguration, router: Router, settings: FrontSettings) throws {
        var settings = settings
        settings.outlivesDrain = true
        self.init(
            key: "console.address", address: console.address,
            served: Site.Served(router, settings: settings, tls: try console.tls.map { try TLSServer($0) }),
            isConsole: true, name: console.name)
    }
}

extension TLSServer {
    fileprivate init(_ settings: TLSServerConfiguration) throws {
        try self.init(certificate: settings.certificate, key: settings.key, clientCA: settings.clientCA)
    }
}
