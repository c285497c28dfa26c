import MartletTools

extension MartletProcess {
    /// One request on a connection of its own, and its whole answer.
    func ask(
        _ method: String, _ path: String, headers: [String] = [], body: String? = nil,
        from source: String? = nil, within limit: Duration = .seconds(10)
    ) async throws -> Answer {
        try await Client.ask(
            method, path, port: publicPort, headers: headers, body: body, from: source, within: limit)
    }

    func get(_ path: String = "/x", headers: [String] = [], from source: String? = nil) async throws -> Answer {
        try await ask("GET", path, headers: headers, from: source)
    }

    func post(_ path: String = "/x", headers: [String] = [], body: String = "{}") async throws -> Answer {
        try await ask("POST", path, headers: headers, body: body)
    }

    /// A chat completion.
    func chat(
        model: String = "m", stream: Bool = false, headers: [String] = [], within limit: Duration = .seconds(10)
    ) async throws -> Answer {
        try await ask(
            "POST", "/v1/chat/completions", headers: ["Content-Type: application/json"] + headers,
            body: Self.chatBody(model: model, stream: stream), within: limit)
    }

    static func chatBody(model: String = "m", stream: Bool = false) -> String {
        #"{"messages":[{"role":"user","content":"hi"}],"model":"\#(model)","stream":\#(stream)}"#
    }

    /// A connection to the public port.
    func connect(from source: String? = nil, reads: Bool = true) async throws -> Client {
        try await Client.connect(publicPort, from: source, reads: reads)
    }

    /// Tells the console to `add`, `drain` or `remove` a target.
    func changeTarget(_ action: String, pool: String, url: String) async throws -> Answer {
        try await Client.ask(
            "POST", "/targets", port: consolePort, headers: ["Content-Type: application/json"],
            body: #"{"action":"\#(action)","pool":"\#(pool)","url":"\#(url)"}"#)
    }
}
