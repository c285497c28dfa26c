import Foundation
import MartletConsole
import MartletTelemetry
import MartletWire

/// The configuration of a run: what the path and the body ask for, what the server allows, what it adds.
struct ChainConfig {
    /// Of what a client says; all else is dropped.
    let keys: Set<String>
    /// What the chain lets a client configure.
    let configurable: Fields

    /// Of the configuration in a path. Throws 400.
    static func of(hash: String) throws -> JSON {
        guard let text = LZString.decompressed(hash), let found = try? JSON.parse(text.utf8), case .object = found
        else { throw HTTPError(400, "Invalid config hash") }
        return found
    }

    /// What the run gets. Later ones win; tags are united and sorted, `metadata` and `configurable` merged key by key.
    func merged(_ said: [JSON]) throws -> RunConfig {
        var config = RunConfig()
        for one in said {
            let chosen = try allowed(one)
            if case .array(let tags)? = chosen["tags"] {
                config.tags = Set(config.tags + tags.map(\.words)).sorted()
            }
            if case .object(let metadata)? = chosen["metadata"] { config.metadata.merge(metadata) { $1 } }
            if case .object(let values)? = chosen["configurable"] {
                config.configurable.merge(values.filter { configurable[$0.key] != nil }) { $1 }
            }
            if case .integer(let count)? = chosen["max_concurrency"] { config.maxConcurrency = Int(count) }
            if case .string(let id)? = chosen["run_id"] { config.runID = UUID(uuidString: id) }
        }
        return config
    }

    /// With what only the server says: the run's name, its id where the client could not choose it, who asked for what.
    /// LangServe's names of the three keys stay, because tracing tools look for them.
    static func forced(_ config: RunConfig, name: String, endpoint: String, agent: String) -> RunConfig {
        var config = config
        config.runName = name
        config.runID = config.runID ?? UUID()
        config.metadata["__useragent"] = .string(agent)
        config.metadata["__langserve_version"] = .string("martlet \(BuildInfo.current.version)")
        config.metadata["__langserve_endpoint"] = .string(endpoint)
        return config
    }

    /// One configuration for each of `count` inputs.
    static func each(_ said: JSON, _ count: Int) throws -> [JSON] {
        switch said {
        case .null: return Array(repeating: [:], count: count)
        case .object(var members):
            let first = said
            members["run_id"] = nil
            return (0..<count).map { $0 == 0 ? first : .object(members) }
        case .array(let configs):
            guard configs.count == count else {
                throw HTTPError(422, "Number of configs (\(configs.count)) must match number of inputs (\(count))")
            }
            return configs
        default: throw notADictionary(said)
        }
    }

    static func notADictionary(_ value: JSON) -> HTTPError {
        .wrong("dict_type", ["config"], "Input should be a valid dictionary", value)
    }

    private func allowed(_ said: JSON) throws -> Fields {
        if said == .null { return [:] }
        guard case .object(let members) = said else { throw Self.notADictionary(said) }
        if members["configurable"] != nil, !keys.contains("configurable"), !configurable.isEmpty {
            throw HTTPError(422, "The server does not allow `configurable`; its `configKeys` may name it")
        }
        let chosen = members.filter { keys.contains($0.key) && $0.value != .null }
        let problems = SchemaCheck.problems(of: .object(chosen), schema(titled: ""))
        guard problems.isEmpty else { throw HTTPError.invalid(problems) }
        return chosen
    }

    /// What a client may say.
    func schema(titled title: String) -> JSON {
        var properties: Fields = [:]
        if keys.contains("configurable"), !configurable.isEmpty {
            let titled = configurable.map { name, schema in
                var schema = schema
                schema["title"] = .string(Schema.title(name))
                return (name, schema)
            }
            properties["configurable"] = [
                "title": "Configurable", "type": "object", "properties": .object(Dictionary(titled) { $1 }),
            ]
        }
        for (key, schema) in Self.known where keys.contains(key) { properties[key] = schema }
        return ["title": .string(title), "type": "object", "properties": .object(properties)]
    }

    private static let known: Fields = [
        "tags": ["title": "Tags", "type": "array", "items": ["type": "string"]],
        "metadata": ["title": "Metadata", "type": "object"],
        "run_id": ["title": "Run Id", "type": "string", "format": "uuid"],
        "max_concurrency": ["title": "Max Concurrency", "type": "integer"],
    ]
}
