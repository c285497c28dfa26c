package import MartletWire

/// What a chain behind LangServe's paths takes, gives and may be told, as JSON Schemas, and which of the paths it has.
package struct ChainDescription: Sendable, Equatable {
    package var input: JSONValue
    package var output: JSONValue
    /// Of what a client may configure.
    package var config: JSONValue
    /// Those that there are below its path, such as `invoke`.
    package var endpoints: [String]
    /// Whether they are below `c/HASH` too, where the path carries a configuration.
    package var takesHashes: Bool

    /// - Parameter endpoints: nil: all.
    package init(
        input: JSONValue, output: JSONValue, config: JSONValue, endpoints: [String]? = nil, takesHashes: Bool = true
    ) {
        self.input = input
        self.output = output
        self.config = config
        self.endpoints = endpoints ?? Self.allEndpoints
        self.takesHashes = takesHashes
    }

    private static let allEndpoints = [
        "invoke", "batch", "stream", "stream_log", "stream_events", "input_schema", "output_schema", "config_schema",
    ]
}
