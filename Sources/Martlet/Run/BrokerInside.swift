import Foundation
import Logging
import MartletBase
import MartletNet
import MartletTasks
import NIOCore
import Synchronization

/// The broker of `martlet up`: begun before anything is served, ended after the last request. Its data is the serving
/// process' own: should that die, the next one reads it again, and clients come back.
final class BrokerInside: Sendable {
    /// For this process: over loopback, database 0, with the password.
    let url: RedisURL
    private let settings: BrokerSettings
    private let logger: Logger
    private let server: Mutex<BrokerServer>
    private let isStopping = Flag()

    private init(_ server: BrokerServer, _ settings: BrokerSettings, url: RedisURL, logger: Logger) {
        self.server = Mutex(server)
        self.settings = settings
        self.url = url
        self.logger = logger
    }

    /// Reads the data and listens.
    ///
    /// - Throws: what keeps it from that, with the key of the configuration.
    static func start(_ configuration: BrokerConfiguration, logger: Logger) async throws -> BrokerInside {
        do {
            let options = try BrokerOptions(configuration, environment: ProcessInfo.processInfo.environment)
            let (server, settings) = try await BrokerProcess.start(
                options, connections: try Self.connections(), logger: logger)
            logger.notice("the broker of tasks listens", metadata: ["address": "\(server.address)"])
            let url = RedisURL(
                host: server.address.hostOfOwn, port: server.address.port ?? RedisURL.defaultPort,
                password: options.password.map { Secret($0) }, isTLS: settings.tls != nil, verifiesServer: false)
            return BrokerInside(server, settings, url: url, logger: logger)
        } catch {
            throw BrokerMistake("tasks.broker: \(error)")
        }
    }

    /// As many as the broker may have of the descriptors of this process: most are for clients and models.
    static func connections() throws -> Int { min(BrokerLimits().connections, try OpenFiles.limit().soft / 4) }

    /// Has the broker begin again should it not be able to go on. Returns when the task is cancelled, or at `stop`.
    func run() async {
        while !isStopping.isSet, let error = await failure(of: server.withLock { $0 }) {
            logger.critical("the broker of tasks cannot go on", metadata: ["error": "\(error)"])
            await beginAgain()
        }
    }

    /// Why a broker cannot go on; nil: it was stopped, or the task is cancelled.
    private func failure(of server: BrokerServer) async -> (any Error)? {
        let (ends, end) = AsyncStream.makeStream(of: (any Error)?.self)
        server.onEnd { error in
            end.yield(error)
            end.finish()
        }
        for await error in ends { return error }
        return nil
    }

    /// The numbers of the moment; nil: it is not there.
    func figures() async -> BrokerFigures? {
        isStopping.isSet ? nil : try? await server.withLock { $0 }.figures()
    }

    /// Tells what is on its way, makes all durable and closes.
    func stop() async {
        guard isStopping.set() else { return }
        do {
            try await server.withLock { $0 }.stop()
        } catch {
            logger.error("the broker of tasks did not end in good order", metadata: ["error": "\(error)"])
        }
    }

    private func beginAgain() async {
        try? await server.withLock { $0 }.stop()
        while !isStopping.isSet, (try? await Task.sleep(for: .seconds(1))) != nil {
            do {
                let next = try await BrokerServer.start(settings, logger: logger)
                server.withLock { $0 = next }
                guard !isStopping.isSet else { return try await next.stop() }
                return logger.notice("the broker of tasks is there again")
            } catch {
                logger.error("the broker of tasks does not begin", metadata: ["error": "\(error)"])
            }
        }
    }
}

extension BrokerOptions {
    /// `tasks.broker` of a configuration.
    init(_ configuration: BrokerConfiguration, environment: [String: String]) throws {
        var (host, port) = ("127.0.0.1", Int?.none)
        if case .tcp(let stated, let number)? = configuration.listen { (host, port) = (stated, number) }
        self.init(host: host, port: port)
        folder = URL(fileURLWithPath: configuration.store).path
        password = try Self.password(file: configuration.passwordFile, environment: environment)
        tls = configuration.tls.map { ($0.certificate, $0.key) }
        maximumDeliveries = configuration.maximumDeliveries
        sync = configuration.sync
        memoryBytes = configuration.memory
    }
}

extension SocketAddress {
    /// How this machine reaches what listens here.
    fileprivate var hostOfOwn: String {
        switch ipAddress {
        case "0.0.0.0"?, nil: "127.0.0.1"
        case "::"?: "::1"
        case let address?: address
        }
    }
}
