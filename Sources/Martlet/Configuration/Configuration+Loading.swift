import Foundation
package import MartletWorkers

extension Configuration {
    /// Reads and validates a file. Every problem it has is in the error, each with its line and key path.
    ///
    /// `environment` fills in `${NAME}` and overrides keys (`MARTLET_LIMITS_BODY=8MiB`).
    package static func load(file: String, environment: [String: String]) throws(ConfigurationError) -> Configuration {
        try parse(try text(of: file), file: file, environment: environment)
    }

    /// The text of a file, for `parse`.
    package static func text(of file: String) throws(ConfigurationError) -> String {
        let bytes: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
            defer { try? handle.close() }
            bytes = try handle.read(upToCount: YAMLText.maximumBytes + 1) ?? Data()
        } catch {
            throw ConfigurationError(file, "cannot be read: \(reason(error))")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(file, "is not UTF-8 text")
        }
        return text
    }

    /// As `load`, for text that was read already; `file` is what errors call it.
    package static func parse(_ text: String, file: String, environment: [String: String])
        throws(ConfigurationError) -> Configuration
    {
        let problems = ProblemList(file: file)
        let root = YAMLReader.read(text, environment: environment, problems: problems)
        if root == nil, let error = problems.error { throw error }
        return try decode(root ?? ConfigurationNode(.mapping([]), .line(1)), environment, problems)
    }

    /// What `martlet up --upstream URL --upstream URL` means: one pool, named `default`, that serves everything.
    package static func upstreams(_ urls: [String], environment: [String: String])
        throws(ConfigurationError) -> Configuration
    {
        let origin = ConfigurationOrigin.option("--upstream")
        let targets = ConfigurationNode(.list(urls.map { ConfigurationNode(text: $0, origin: origin) }), origin)
        let pool = ConfigurationNode(entries: [("targets", targets)], origin)
        let pools = ConfigurationNode(entries: [("default", pool)], origin)
        let root = ConfigurationNode(entries: [("pools", pools)], origin)
        return try decode(root, environment, ProblemList(file: "--upstream"))
    }

    /// What `martlet serve APP` means: workers for what the app has. `isProgram`: it is a worker by itself.
    package static func app(_ app: String, isProgram: Bool, python: String?, environment: [String: String])
        throws(ConfigurationError) -> Configuration
    {
        let origin = ConfigurationOrigin.option("martlet serve")
        let name = ConfigurationNode(text: app, origin: origin)
        var entries = [isProgram ? ("command", ConfigurationNode(.list([name]), origin)) : ("app", name)]
        if let python { entries.append(("python", ConfigurationNode(text: python, origin: origin))) }
        let workers = ConfigurationNode(.list([ConfigurationNode(entries: entries, origin)]), origin)
        let root = ConfigurationNode(entries: [("workers", workers)], origin)
        return try decode(root, environment, ProblemList(file: "martlet serve"))
    }

    /// What serves without a file: a pool and a model for each backend, both of the backend's name. Without backends
    /// nothing but the server itself.
    package static func embedded(_ backends: [BackendSpec], environment: [String: String])
        throws(ConfigurationError) -> Configuration
    {
        let origin = ConfigurationOrigin.option("the embedded configuration")
        let pools = backends.map { backend in
            let target = ConfigurationNode(
                entries: [("backend", ConfigurationNode(text: backend.name, origin: origin))], origin)
            return (
                backend.name,
                ConfigurationNode(entries: [("targets", ConfigurationNode(.list([target]), origin))], origin)
            )
        }
        let models = backends.map { ($0.name, ConfigurationNode(text: $0.name, origin: origin)) }
        let parts = [
            ("pools", ConfigurationNode(entries: pools, origin)),
            ("models", ConfigurationNode(entries: models, origin)),
        ]
        let root = ConfigurationNode(entries: backends.isEmpty ? [] : parts, origin)
        return try decode(root, environment, ProblemList(file: "the embedded configuration"), embedded: backends)
    }

    static func decode(
        _ root: ConfigurationNode, _ environment: [String: String], _ problems: ProblemList,
        embedded: [BackendSpec]? = nil
    ) throws(ConfigurationError) -> Configuration {
        let context = Section.Context(problems: problems)
        let item = Section.Item(path: SettingPath(), node: EnvironmentOverrides.apply(environment, to: root))
        let configuration = Section(item, context: context).map {
            ConfigurationDecoder(root: $0, embedded: embedded).decode()
        }
        if let error = problems.error { throw error }
        guard let configuration else { throw ConfigurationError(problems.file, "is no configuration") }
        return configuration
    }

    /// What the system says, without what Foundation puts around it.
    private static func reason(_ error: any Error) -> String {
        let error = error as NSError
        let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError
        return (underlying ?? error).localizedDescription.replacing("The operation could not be completed. ", with: "")
    }
}

extension ConfigurationError {
    fileprivate init(_ file: String, _ message: String) {
        problems = [ConfigurationProblem(file: file, origin: nil, path: "", message: message)]
    }
}

extension ConfigurationNode {
    /// A mapping that is not from a file.
    fileprivate init(entries: [(key: String, node: ConfigurationNode)], _ origin: ConfigurationOrigin) {
        self.init(.mapping(entries.map { Entry(key: $0.key, origin: origin, node: $0.node) }), origin)
    }
}
