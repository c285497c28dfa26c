import MartletTools

extension LoadOptions {
    /// Chat completions, whole or streamed, asked of `port` over eight connections.
    static func chat(_ port: Int, stream: Bool = false, _ change: (inout LoadOptions) -> Void) -> LoadOptions {
        var options = LoadOptions()
        options.port = port
        options.path = "/v1/chat/completions"
        options.stream = stream
        options.body = chatBody(stream: stream)
        options.connections = 8
        change(&options)
        return options
    }
}

extension MartletProcess {
    /// Asks the public port for chat completions, over eight connections unless told otherwise.
    func load(stream: Bool = false, _ change: (inout LoadOptions) -> Void) async throws -> LoadReport {
        try await LoadGenerator.run(.chat(publicPort, stream: stream, change))
    }
}
