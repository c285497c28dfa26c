import MartletBase
package import NIOCore

/// What a managed process does as a worker: which API of which app it serves, and in which group.
package struct WorkerRole: Sendable, Equatable {
    /// The file or module, as the SDK reads it.
    package var app: String
    /// In turn, each for as many instances as run on a device.
    package var devices: [String]
    package var workersPerDevice: Int
    package let group: WorkerGroup
    /// Where the links to the workers live.
    package let loops: any EventLoopGroup

    package init(app: String, devices: [String], workersPerDevice: Int, group: WorkerGroup, loops: any EventLoopGroup) {
        self.app = app
        self.devices = devices
        self.workersPerDevice = workersPerDevice
        self.group = group
        self.loops = loops
    }

    package static func == (one: WorkerRole, other: WorkerRole) -> Bool {
        one.app == other.app && one.devices == other.devices && one.workersPerDevice == other.workersPerDevice
            && one.group === other.group
    }

    /// Of one instance alone.
    func single(_ index: Int) -> WorkerRole {
        var single = self
        if !devices.isEmpty { single.devices = [devices[index / max(1, workersPerDevice) % devices.count]] }
        return single
    }

    /// `HELLO`, for the instance of this name.
    func hello(_ name: String) -> String {
        let texts = [("worker", name), ("app", app), ("purpose", "serve"), ("api", group.api.name)]
        let fields = texts.map { "\"\($0)\":\(JSONText.quoted($1))" }.joined(separator: ",")
        return "{\"protocol\":1,\(fields),\"device\":\(JSONText.quoted(devices.first ?? "cpu")),\"max_frame\":65536}"
    }
}
