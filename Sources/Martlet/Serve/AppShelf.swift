import Foundation
import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletWorkers
import NIOCore
import Synchronization

/// The apps that are served: asks them what they have, and remembers their groups from one configuration to the next.
actor AppShelf {
    private let loops: any EventLoopGroup
    private let logger: Logger
    private var served: [ServedAPI] = []
    /// Of those that grow and shrink, by name.
    private var scalers: [String: GroupScaler] = [:]
    private let outline = Mutex(Outline())

    /// What is seen from outside, to find out whether there is anything to do.
    private struct Outline {
        /// What the target of each group that has one was told last; nil: nothing yet.
        var rooms: [(group: WorkerGroup, told: Int?)] = []
        var scales = false
    }

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
            let spec = Self.spec(configuration, environment)
            let ready = try await AppDescription.read(
                try ChildCommand(spec, withheld: OwnVariables.names), app: configuration.app, on: loops.next(),
                within: configuration.policy.readyWithin, logger: logger)
            try IdleWeight.check(configuration, ready.apis)
            let app = ServedAPI.App(
                configuration: configuration, settings: ready.settings, version: ready.version, spec: spec)
            let pipelines = try AppPipelines(ready.apis).all
            for var stages in pipelines {
                let isAlone = pipelines.count == 1
                if let path = configuration.path, isAlone { stages[0].path = path }
                all += pipeline(stages, of: app, named: configuration.name + (isAlone ? "" : stages[0].path))
            }
        }
        var names: Set<String> = []
        for api in all where !names.insert(api.name).inserted { throw TwoOfOneName(name: api.name) }
        return all
    }

    /// Its stages, the first one first. They are made from the last one on, because each knows the next.
    private func pipeline(_ stages: [WorkerAPI], of app: ServedAPI.App, named name: String) -> [ServedAPI] {
        var made: [ServedAPI] = []
        for (index, api) in stages.enumerated().reversed() {
            let (own, next) = (index == 0 ? name : "\(name)#\(index + 1)", made.first?.group)
            let former = served.first {
                $0.name == own && $0.api == api && $0.app.configuration == app.configuration
                    && $0.app.version == app.version && $0.group.next === next
            }
            var stage = ServedAPI(
                name: own, head: index == 0 ? nil : name, app: app, api: api, group: former?.group, next: next,
                loops: loops)
            stage.scaledTo = scaler(of: stage)?.workers
            made.insert(stage, at: 0)
        }
        return made
    }

    private struct TwoOfOneName: Error, CustomStringConvertible {
        let name: String
        var description: String { "two APIs are called \(name)" }
    }

    /// These are served from now on: what `read` found, once nothing stands against it.
    func adopt(_ served: [ServedAPI]) {
        self.served = served
        scalers = Dictionary(served.compactMap { api in scaler(of: api).map { (api.name, $0) } }) { $1 }
        outline.withLock { outline in
            let former = outline.rooms
            outline.rooms = served.filter { $0.head == nil }.map { api in
                (api.group, former.first { $0.group === api.group }?.told)
            }
            outline.scales = !scalers.isEmpty
        }
    }

    /// Whether there are groups that grow and shrink. From any thread.
    nonisolated var scales: Bool { outline.withLock { $0.scales } }

    /// Whether ``settleRooms(_:)`` has anything to tell. From any thread.
    nonisolated var mustSettleRooms: Bool { !untoldRooms().isEmpty }

    private nonisolated func untoldRooms() -> [(group: WorkerGroup, room: Int)] {
        outline.withLock { outline in
            outline.rooms.compactMap { group, told in
                let room = max(1, group.roomInAll)
                return room == told ? nil : (group, room)
            }
        }
    }

    /// Tells the pools how many requests each group can hold to advantage, where that changed.
    func settleRooms(_ membership: Membership) async {
        for (group, room) in untoldRooms() {
            guard await membership.limit(group, to: room) else { continue }
            outline.withLock { outline in
                guard let index = outline.rooms.firstIndex(where: { $0.group === group }) else { return }
                outline.rooms[index].told = room
            }
        }
    }

    /// As it goes on by the policy of `api`; nil: as many workers as are configured.
    private func scaler(of api: ServedAPI) -> GroupScaler? {
        guard let policy = api.app.configuration.scale else { return nil }
        var scaler = scalers[api.name] ?? GroupScaler(policy: policy)
        scaler.adopt(policy)
        return scaler
    }

    /// Looks at the groups that grow and shrink, and brings each to the number of workers that it should have. Called
    /// about once a second, and more often for those alone that have no worker.
    func scale(_ backends: BackendService, _ pools: [Pool], restingOnly: Bool, now: Instant) {
        let due = restingOnly ? scalers.filter(\.value.isResting) : scalers
        guard !due.isEmpty else { return }
        let status = backends.status()
        for api in served {
            guard var scaler = due[api.name] else { continue }
            let instances = status.filter { $0.backend == api.name && !$0.isOutgoing }
            var load = api.group.load(isStarting: instances.contains { ["idle", "starting"].contains($0.state) })
            // Who waits before a pipeline waits for those of its stages that have their hands full.
            let isPipeline = api.head != nil || api.group.next != nil
            if !isPipeline || load.idle == 0 {
                load.waiting += pools.first { $0.name == api.head ?? api.name }?.status(now: now).queued.total ?? 0
            }
            let (former, wanted) = (scaler.workers, scaler.observe(load, now: now))
            scalers[api.name] = scaler
            if wanted != former {
                logger.notice(
                    "workers are \(wanted > former ? "added" : "retired")",
                    metadata: ["backend": "\(api.name)", "workers": "\(wanted)", "waiting": "\(load.waiting)"])
            }
            backends.resize(api.name, to: wanted)
        }
    }

    /// Python would search the working directory first of all: a `martlet.py` or `json.py` there is none of the SDK's.
    private static let startSDK =
        "import sys; sys.path = [one for one in sys.path if one]; from martlet.worker import main; main(sys.argv[1:])"

    /// What starts a worker: a command of the user's, or the SDK beside Martlet, where it lies there, else the one that
    /// is installed.
    private static func spec(
        _ configuration: WorkersConfiguration, _ environment: [String: String]
    ) -> BackendSpec {
        var spec = BackendSpec(
            name: configuration.name,
            command: configuration.command ?? [configuration.python, "-c", startSDK, configuration.app])
        spec.environment = configuration.environment
        spec.directory = configuration.directory
        spec.addressSpaceBytes = configuration.limits.addressSpace
        spec.openFiles = configuration.limits.openFiles
        spec.cpuSeconds = configuration.limits.cpuSeconds
        spec.user = configuration.user
        spec.policy = configuration.policy
        guard configuration.command == nil else { return spec }
        if let home = environment["MARTLET_HOME"], FileManager.default.fileExists(atPath: "\(home)/sdk/python") {
            let others = configuration.environment["PYTHONPATH"] ?? environment["PYTHONPATH"] ?? ""
            spec.environment["PYTHONPATH"] = "\(home)/sdk/python" + (others.isEmpty ? "" : ":\(others)")
        }
        return spec
    }
}
