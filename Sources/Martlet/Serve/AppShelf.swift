import Foundation
import Logging
import MartletBase
import MartletGateway
import MartletLogic
import MartletNet
import MartletWorkers
import NIOCore

/// The apps that are served: asks them what they have, and remembers their groups from one configuration to the next.
actor AppShelf {
    private let loops: any EventLoopGroup
    private let logger: Logger
    private var served: [ServedAPI] = []
    /// What each group's target was told last.
    private var rooms: [ObjectIdentifier: Int] = [:]

    init(loops: any EventLoopGroup, logger: Logger) {
        self.loops = loops
        self.logger = logger
    }

    /// Every API of the apps that `workers` names. One that is as it was, its code included, keeps its group, and with
    /// it its workers.
    ///
    /// - Throws: why an app cannot be read.
    func read(_ workers: [WorkersConfiguration], environment: [String: String]) async throws -> [ServedAPI] {
        var all: [ServedAPI] = []
        for configuration in workers {
            let command = Self.command(configuration, environment)
            let ready = try await AppDescription.read(
                command, app: configuration.app, on: loops.next(), within: configuration.policy.readyWithin,
                logger: logger)
            let app = ServedAPI.App(
                configuration: configuration, settings: ready.settings, version: ready.version, command: command)
            for var api in ready.apis {
                if let path = configuration.path, ready.apis.count == 1 { api.path = path }
                let name = ready.apis.count == 1 ? configuration.name : configuration.name + api.path
                let former = served.first {
                    $0.name == name && $0.api == api && $0.app.configuration == configuration
                        && $0.app.version == ready.version
                }
                all.append(ServedAPI(name: name, app: app, api: api, group: former?.group, loops: loops))
            }
        }
        served = all
        rooms = rooms.filter { room in all.contains { ObjectIdentifier($0.group) == room.key } }
        return all
    }

    /// Tells the pools how many requests each group can hold to advantage, where that changed.
    func settleRooms(_ membership: Membership) async {
        for api in served {
            let room = max(1, api.group.room)
            guard rooms[ObjectIdentifier(api.group)] != room else { continue }
            if await membership.limit(api.group, to: room) { rooms[ObjectIdentifier(api.group)] = room }
        }
    }

    /// What starts a worker: the SDK beside Martlet, where it lies there, else the one that is installed.
    private static func command(
        _ configuration: WorkersConfiguration, _ environment: [String: String]
    ) -> ChildCommand {
        var command = ChildCommand(
            arguments: [configuration.python, "-m", "martlet.worker", configuration.app],
            environment: configuration.environment, withheld: OwnVariables.names, directory: configuration.directory)
        if let home = environment["MARTLET_HOME"], FileManager.default.fileExists(atPath: "\(home)/sdk/python") {
            let others = configuration.environment["PYTHONPATH"] ?? environment["PYTHONPATH"] ?? ""
            command.environment["PYTHONPATH"] = "\(home)/sdk/python" + (others.isEmpty ? "" : ":\(others)")
        }
        return command
    }
}
