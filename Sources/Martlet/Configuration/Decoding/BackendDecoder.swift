import MartletBase
import MartletLogic
import MartletWorkers

/// Decodes `backends`.
struct BackendDecoder {
    func backends(in root: Section) -> [BackendSpec] {
        let sections = root.namedSections("backends")
        let backends = sections.map { backend($0.name, $0.section) }
        for (index, spec) in backends.enumerated() {
            guard let other = backends[..<index].first(where: { $0.sharesPorts(with: spec) }) else { continue }
            sections[index].section.refuse("takes a port that backend `\(other.name)` has already", at: "port")
        }
        return backends
    }

    private func backend(_ name: String, _ section: Section) -> BackendSpec {
        var spec = BackendSpec(name: name, command: SharedDecoder.command(section))
        spec.environment = SharedDecoder.environment(section)
        spec.directory = section.text("directory")
        spec.user = section.text("user")
        spec.instances = section.count("instances", in: 1...256) ?? spec.instances
        spec.port = section.count("port", in: SettingRange.port, or: "auto")
        if let port = spec.port, port + spec.instances - 1 > SettingRange.port.upperBound {
            section.refuse("leaves no ports for \(spec.instances) instances", at: "port")
        }
        let ready = section.section("ready")
        spec.readyPath = SharedDecoder.requestPath("path", in: ready) ?? spec.readyPath
        spec.checkTimeout = ready.duration("timeout") ?? spec.checkTimeout
        let limits = section.section("limits")
        spec.addressSpaceBytes = limits.size("address_space", in: (1 << 20)...(1 << 50), or: "off")
        spec.openFiles = limits.count("open_files", in: 8...Int(Int32.max), or: "off")
        spec.policy = SharedDecoder.life(section, ready)
        checkPort(section, spec)
        return spec
    }

    /// A process that is not told its port must have a fixed one, and there can only be one of it.
    private func checkPort(_ section: Section, _ spec: BackendSpec) {
        let texts = spec.command + spec.environment.values
        guard !spec.command.isEmpty, !texts.contains(where: { $0.contains("{port}") }) else { return }
        if spec.port == nil || spec.instances > 1 {
            section.refuse("must say `{port}` where the port goes, here or in `environment`", at: "command")
        }
    }
}

extension BackendSpec {
    /// The fixed ports of its instances; nil: they have any.
    private var fixedPorts: Range<Int>? { port.map { $0..<($0 + instances) } }

    fileprivate func sharesPorts(with other: BackendSpec) -> Bool {
        guard let ports = fixedPorts, let others = other.fixedPorts else { return false }
        return ports.overlaps(others)
    }
}
