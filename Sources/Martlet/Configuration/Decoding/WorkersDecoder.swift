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
        let command = section.has("command") ? SharedDecoder.command(section) : nil
        if command == nil { section.require("app") }
        for key in ["app", "python"] where command != nil && section.has(key) {
            section.refuse("has no place beside a `command`, which is a worker by itself", at: key)
        }
        let program = command?.first?.split(separator: "/").last.map(String.init)
        let app = section.text("app") ?? program ?? ""
        var workers = WorkersConfiguration(app: app, name: section.text("name") ?? app)
        workers.python = section.text("python") ?? workers.python
        workers.command = command
        workers.path = SharedDecoder.requestPath("path", in: section)
        workers.devices = devices(section)
        workers.workersPerDevice = section.count("workers_per_device", in: 1...256)
        workers.environment = SharedDecoder.environment(section)
        workers.directory = section.text("directory")
        workers.user = section.text("user")
        workers.limits = limits(section.section("limits"))
        workers.recycle = recycle(section.section("recycle"))
        workers.scale = scale(section)
        workers.maxBatch = section.count("max_batch", in: 1...65_535)
        workers.batchWindow = section.duration("batch_window", in: .zero ... .seconds(60))
        workers.batchBytes = section.size("batch_bytes", in: 1...(1 << 40)) ?? workers.batchBytes
        workers.batchWeight = section.count("batch_weight", in: 1...Int(Int32.max))
        workers.weightBy = section.text("weight_by")
        workers.sharedMemory = sharedMemory(section, workers.sharedMemory)
        workers.timeout = section.duration("timeout")
        if section.has("kill_after") { workers.killAfter = durationOrOff("kill_after", section) }
        workers.objective = durationOrOff("objective", section)
        workers.isToolForAssistants = section.flag("mcp") ?? workers.isToolForAssistants
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

    private func sharedMemory(_ section: Section, _ usual: Int?) -> Int? {
        guard section.has("shared_memory") else { return usual }
        return section.size("shared_memory", in: (1 << 20)...(1 << 40), or: "off")
    }

    private func recycle(_ section: Section) -> RecyclePolicy {
        var recycle = RecyclePolicy()
        recycle.requests = section.count("requests", in: 1...Int(Int32.max), or: "off")
        recycle.memory = section.size("memory", in: (1 << 20)...(1 << 50), or: "off")
        recycle.descriptors = section.flag("descriptors") ?? recycle.descriptors
        return recycle
    }

    private func scale(_ parent: Section) -> ScalePolicy? {
        guard parent.has("scale") else { return nil }
        let section = parent.section("scale")
        section.require("max")
        var scale = ScalePolicy()
        scale.min = section.count("min", in: 0...256) ?? scale.min
        scale.max = section.count("max", in: 1...256) ?? Swift.max(scale.min, 1)
        if scale.max < scale.min { section.refuse("must be at least `min`, \(scale.min)", at: "max") }
        scale.wait = section.duration("wait") ?? scale.wait
        scale.sustained = section.duration("sustained", in: SettingRange.pause) ?? scale.sustained
        scale.idle = section.duration("idle") ?? scale.idle
        scale.cooldown = section.duration("cooldown", in: SettingRange.pause) ?? scale.cooldown
        if parent.has("workers_per_device") {
            parent.refuse(
                "cannot stand beside `scale`, which says how many workers there are", at: "workers_per_device")
        }
        return scale
    }

    private func durationOrOff(_ key: String, _ section: Section) -> Duration? {
        guard let item = section.item(key), !item.node.isOff else { return nil }
        return section.duration(item)
    }
}
