import MartletBase
package import MartletLogic
package import NIOCore

/// What a managed process does as a worker: which API of which app it serves, and in which group.
package struct WorkerRole: Sendable, Equatable {
    /// The file or module, as the SDK reads it.
    package var app: String
    /// In turn, each for as many instances as run on a device.
    package var devices: [String]
    package var workersPerDevice: Int
    /// When one that serves is replaced.
    package var recycle = RecyclePolicy()
    package let group: WorkerGroup
    /// Where the links to the workers live.
    package let loops: any EventLoopGroup
    /// Bytes shared with each worker for bodies in one direction; 0: none.
    package var sharedBytes = 0

    package init(app: String, devices: [String], workersPerDevice: Int, group: WorkerGroup, loops: any EventLoopGroup) {
        self.app = app
        self.devices = devices
        self.workersPerDevice = workersPerDevice
        self.group = group
        self.loops = loops
    }

    package static func == (one: WorkerRole, other: WorkerRole) -> Bool {
        one.app == other.app && one.devices == other.devices && one.workersPerDevice == other.workersPerDevice
            && one.recycle == other.recycle && one.sharedBytes == other.sharedBytes && one.group === other.group
    }

    /// Of one instance alone.
    func single(_ index: Int) -> WorkerRole {
        var single = self
        if !devices.isEmpty { single.devices = [devices[index / max(1, workersPerDevice) % devices.count]] }
        return single
    }

    /// `HELLO`, for the instance of this name; with memory where some comes along.
    func hello(_ name: String, sharing arena: WorkerArena?) -> String {
        let texts = [("worker", name), ("app", app), ("purpose", "serve"), ("api", group.api.name)]
        let fields = texts.map { "\"\($0)\":\(JSONText.quoted($1))" }.joined(separator: ",")
        let device = JSONText.quoted(devices.first ?? "cpu")
        return "{\"protocol\":1,\(fields),\"device\":\(device),\"max_frame\":65536,\"shm\":\(arena?.half ?? 0)}"
    }
}
