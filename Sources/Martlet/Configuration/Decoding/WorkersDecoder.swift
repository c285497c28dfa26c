import MartletBase
import MartletLogic

/// Decodes `workers`.
struct WorkersDecoder {
    func workers(in root: Section) -> [WorkersConfiguration] {
        var names: Set<String> = []
        return root.sections("workers", allowsOne: true).map { section in
            let workers = workers(section)
            if !workers.app.isEmpty, !names.insert(workers.name).inserted {
                section.refuse("is a name that another entry has; give one of them a `name`", at: "name")
            }
            return workers
        }
    }

    private func workers(_ section: Section) -> WorkersConfiguration {
        section.require("app")
        let app = section.text("app") ?? ""
        var workers = WorkersConfiguration(app: app, name: section.text("name") ?? app)
        workers.python = section.text("python") ?? workers.python
        workers.path = SharedDecoder.requestPath("path", in: section)
        workers.devices = devices(section)
        workers.workersPerDevice = section.count("workers_per_device", in: 1...256)
        workers.environment = SharedDecoder.environment(section)
        workers.directory = section.text("directory")
        workers.limits = limits(section.section("limits"))
        workers.maxBatch = section.count("max_batch", in: 1...65_535)
        workers.batchWindow = section.duration("batch_window", in: .zero ... .seconds(60))
        workers.batchBytes = section.size("batch_bytes", in: 1...(1 << 40)) ?? workers.batchBytes
        workers.timeout = section.duration("timeout")
        workers.killAfter = durationOrOff("kill_after", section)
        workers.objective = durationOrOff("objective", section)
        workers.queue = SharedDecoder.queue(section)
        workers.policy = SharedDecoder.life(section, section.section("ready"))
        return workers
    }

    private func devices(_ section: Section) -> [String]? {
        guard section.has("devices") else { return nil }
        let devices = section.list("devices", allowsOne: true).compactMap { section.text($0) }
        if devices.isEmpty { section.refuse("must name a device, such as cpu or cuda:0", at: "devices") }
        return devices
    }

    private func limits(_ section: Section) -> WorkersConfiguration.Limits {
        var limits = WorkersConfiguration.Limits()
        limits.addressSpace = section.size("address_space", in: (1 << 20)...(1 << 50), or: "off")
        limits.openFiles = section.count("open_files", in: 8...Int(Int32.max), or: "off")
        limits.cpuSeconds = durationOrOff("cpu", section).map { max(Int($0.inSeconds.rounded(.up)), 1) }
        return limits
    }

    private func durationOrOff(_ key: String, _ section: Section) -> Duration? {
        guard let item = section.item(key), !item.node.isOff else { return nil }
        return section.duration(item)
    }
}
