import MartletWire
import MartletWorkers

/// One of the APIs that are served, by workers or by this process: what is told of it, and how it is found.
struct APIDescription: Sendable, Equatable {
    /// Who computes it, as the Open Inference Protocol calls it.
    enum Platform: String, Sendable {
        case worker = "martlet_worker"
        case swift = "martlet_swift"
    }

    /// Of its pool; unique.
    let name: String
    /// Where it is served. Ends in `*` where everything below it is meant.
    let path: String
    var methods = ["POST"]
    var isStream = false
    /// JSON Schemas of bodies; nil: nobody says.
    var requestSchema: JSONValue?
    var responseSchema: JSONValue?
    /// nil: no chain.
    var chain: ChainDescription?
    var platform = Platform.worker
    /// Of its code or its model; never empty.
    var version = "1"
    /// What it is called where models have names, the best one first; none: it cannot be asked there. As words between
    /// single slashes, without one at an end: others have no place in a path.
    var modelNames: [String] = []
    /// Whether assistants may call it.
    var isTool = true
    /// What it says of itself as a tool; nil: nothing.
    var tool: WorkerAPI.Tool?

    /// Its path without the `*`.
    var route: String { path.hasSuffix("*") ? String(path.dropLast()) : path }
}

extension APIDescription {
    /// Of workers. Those that are asked with POST at one path of their own have names.
    init(_ served: ServedAPI) {
        let api = served.api
        self.init(name: served.name, path: api.path, methods: api.methods, isStream: api.isStream)
        requestSchema = api.requestSchema
        responseSchema = api.responseSchema
        chain = api.chain
        if !served.app.version.isEmpty { version = served.app.version }
        if !api.path.hasSuffix("*"), api.methods.isEmpty || api.methods.contains("POST") {
            modelNames = served.modelNames
        }
        isTool = served.app.configuration.isToolForAssistants
        tool = api.tool
    }

    /// Of a model in Swift. One whose input is no object of JSON has no names: tensors and arguments are members of
    /// one.
    init<Served: Model>(swift path: String, _ model: Served.Type, isStream: Bool, isTool: Bool) {
        self.init(name: path, path: path, isStream: isStream, platform: .swift, isTool: isTool)
        let schema = Schema.of(Served.Input.self)
        requestSchema = schema
        // A stream's pieces are text or lines of JSON, and no one value.
        if !isStream { responseSchema = Schema.of(Served.Output.self) }
        let words = path.words
        if schema["type"] == "object", !words.isEmpty { modelNames = [words] }
    }

    /// Of a chain in Swift.
    ///
    /// - Parameter base: Its path, without a slash at the end.
    init(swift base: String, _ chain: ChainDescription) {
        self.init(name: base + "/", path: base + "/*", isStream: true, chain: chain, platform: .swift)
    }
}

extension ChainDescription {
    /// Of a chain in Swift.
    init(_ step: some Runnable, _ config: ChainConfig) {
        self.init(
            input: step.inputSchema, output: step.outputSchema, config: config.schema(titled: "\(step.name)Config"))
    }
}

extension ServedAPI {
    /// What a model may be called: like the file of the app that has no other, like its path, or in full.
    fileprivate var modelNames: [String] {
        let path = self.path.words
        let file = app.configuration.name.split(separator: "/").last.map(String.init) ?? app.configuration.name
        let stem = file.hasSuffix(".py") ? String(file.dropLast(3)) : file
        let names = name == app.configuration.name ? [stem, path, name.words] : [path, name.words]
        var seen: Set<String> = []
        return names.filter { !$0.isEmpty && seen.insert($0).inserted }
    }
}

extension String {
    /// A path as a name: what is between its slashes, with one between each.
    fileprivate var words: String { split(separator: "/").joined(separator: "/") }
}
