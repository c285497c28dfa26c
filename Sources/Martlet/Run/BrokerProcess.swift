import Foundation
import Glibc
import Logging
import MartletBase
import MartletConsole
package import MartletLogic
import MartletNet
import MartletTasks
import MartletTelemetry
import NIOCore
import UnixSignals

/// What `martlet broker` is told.
package struct BrokerOptions: Sendable {
    /// The variable that holds the password when no file does.
    package static let passwordVariable = "MARTLET_BROKER_PASSWORD"

    package var host: String
    /// nil: 6379, or 6380 when that is taken.
    package var port: Int?
    package var folder: String
    package var password: String?
    /// Certificate and key.
    package var tls: (certificate: String, key: String)?
    package var maximumDeliveries: Int?
    /// nil: before.
    package var sync: BrokerPolicy.Sync?
    var memoryBytes: Int?
    /// Where metrics are served; nil: nowhere.
    package var console: String?

    package init(host: String, port: Int?) {
        self.host = host
        self.port = port
        folder = Self.usualFolder(ProcessInfo.processInfo.environment)
    }

    /// - Parameter text: Such as `512MiB`.
    package mutating func setMemory(_ text: String) throws {
        guard let bytes = ByteCount.parse(text), bytes >= 1 << 20 else {
            throw BrokerMistake("--memory: '\(text)' is no size of 1MiB or more, such as 512MiB")
        }
        memoryBytes = bytes
    }

    /// - Parameter word: `before` or `after`.
    package mutating func setSync(_ word: String) throws {
        guard let sync = BrokerPolicy.Sync(rawValue: word) else {
            throw BrokerMistake("--sync: '\(word)' is neither before nor after")
        }
        self.sync = sync
    }

    /// What `file` holds, else the variable; nil: none.
    package static func password(file: String?, environment: [String: String]) throws -> String? {
        guard let file else { return environment[passwordVariable].flatMap { $0.isEmpty ? nil : $0 } }
        let text = try String(contentsOf: URL(fileURLWithPath: file), encoding: .utf8)
        let password = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !password.isEmpty else { throw BrokerMistake("--password-file: \(file) is empty") }
        return password
    }

    /// Where programs keep what they must not lose, whatever folder they are started in.
    static func usualFolder(_ environment: [String: String]) -> String {
        let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return (state ?? NSHomeDirectory() + "/.local/state") + "/martlet/broker"
    }

    /// Where to listen: the first that is free.
    func addresses() throws -> [SocketAddress] {
        try (port.map { [$0] } ?? [6379, 6380]).map { port in
            guard let address = SocketAddress.literal(host == "localhost" ? "127.0.0.1" : host, port: port) else {
                throw BrokerMistake("--host: '\(host)' is no IP address")
            }
            guard address.isLoopback || password != nil else {
                throw BrokerMistake(
                    "--host: others can reach \(host), so clients need a password: give --password-file or "
                        + Self.passwordVariable)
            }
            return address
        }
    }

    func settings(_ address: SocketAddress) throws -> BrokerSettings {
        var settings = BrokerSettings(address: address, folder: folder)
        settings.policy.password = password.map { Bytes($0) }
        if let memoryBytes { settings.policy.maximumBytes = memoryBytes }
        if let sync { settings.policy.sync = sync }
        if let maximumDeliveries { settings.policy.maximumDeliveries = maximumDeliveries }
        if let tls { settings.tls = try TLSServer(certificate: tls.certificate, key: tls.key) }
        settings.version = BuildInfo.current.version
        return settings
    }
}

/// An option that cannot be used, and why.
package struct BrokerMistake: Error, CustomStringConvertible {
    package var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// `martlet broker`: a broker until it is told to stop.
package enum BrokerProcess {
    /// Prints where it listens, serves, and ends in good order at SIGTERM or SIGINT.
    package static func run(_ options: BrokerOptions) async throws {
        let sink = try LogSink(.standardError)
        Logs.bootstrap(to: sink)
        defer { _ = sink.flush() }
        let logger = Logger(label: "martlet.broker")
        // Heard from here on: what is on its way is told, and what is told is on disk.
        let signals = await Haste.signals()
        let console = try await BrokerConsole.open(options.console, logger: logger)
        let server = try await start(options, logger: logger).server
        console?.serve(server)
        // At once, also when it goes to a file or another program.
        let lines = [text(options, server.address)] + (console.map { ["  metrics:  \($0.url)/metrics"] } ?? [])
        FileHandle.standardOutput.write(Data((lines.joined(separator: "\n") + "\n").utf8))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.ended() }
            group.addTask { for await _ in signals { return } }
            try await group.next()
            logger.notice("the broker stops")
            try await server.stop()
            await console?.close()
            group.cancelAll()
        }
        logger.notice("the broker has stopped")
    }

    /// Listens where it is told to, at the first of these addresses that is free. The settings answered are those of
    /// that address.
    ///
    /// - Parameter connections: At most; nil: as many as a broker alone.
    static func start(
        _ options: BrokerOptions, connections: Int? = nil, logger: Logger
    ) async throws -> (server: BrokerServer, settings: BrokerSettings) {
        let parent = URL(fileURLWithPath: options.folder).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        let addresses = try options.addresses()
        for (place, address) in addresses.enumerated() {
            do {
                var settings = try options.settings(address)
                if let connections { settings.limits.connections = connections }
                let server = try await BrokerServer.start(settings, logger: logger)
                settings.address = server.address
                return (server, settings)
            } catch let error as IOError where error.errnoCode == EADDRINUSE {
                guard place == addresses.count - 1 else { continue }
                let ports = addresses.compactMap(\.port).map { "\($0)" }.joined(separator: " and ")
                throw BrokerMistake(
                    "\(options.host), port \(ports): in use; choose another one with --port, or `tasks.broker.listen`")
            }
        }
        throw BrokerMistake("no address to listen on")
    }

    /// What a person needs to know.
    private static func text(_ options: BrokerOptions, _ address: SocketAddress) -> String {
        let scheme = options.tls == nil ? "redis" : "rediss"
        let secret = options.password == nil ? "" : ":PASSWORD@"
        let host = options.host.contains(":") ? "[\(options.host)]" : options.host
        return """
            The broker listens. Its data is in \(options.folder).
              broker and results for Celery:  \(scheme)://\(secret)\(host):\(address.port ?? 0)/0
            """
    }
}
