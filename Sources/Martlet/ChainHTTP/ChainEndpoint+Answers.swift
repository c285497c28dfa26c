import MartletExchange
import MartletWire

// What the endpoints compute.
extension ChainEndpoint {
    func invoke(_ call: Call) async throws -> LocalResponse {
        let run = try run(call, call.body["config"] ?? .null)
        let output = try await step.traced(try input(try call.needed("input")), run)
        return .json(
            #"{"output":\#(try JSON.text(of: output)),"metadata":\#(Self.metadata(run))}"#)
    }

    func batch(_ call: Call) async throws -> LocalResponse {
        let said = try call.needed("inputs")
        guard case .array(let values) = said else {
            throw HTTPError.wrong("list_type", ["inputs"], "Input should be a valid list", said)
        }
        let runs = try ChainConfig.each(call.body["config"] ?? .null, values.count).map { try run(call, $0) }
        let inputs = try values.enumerated().map { try input($1, at: ["inputs", .integer(Int64($0))]) }
        let step = step
        let outputs = try await inParallel(inputs.count, atMost: runs.first?.maxConcurrency) { index in
            try JSON.text(of: try await step.traced(inputs[index], runs[index]))
        }
        let responses = runs.map(Self.metadata).joined(separator: ",")
        let ids = runs.map { JSON.string($0.id.text).text }.joined(separator: ",")
        let metadata = #"{"responses":[\#(responses)],"run_ids":[\#(ids)]}"#
        return .json(#"{"output":[\#(outputs.joined(separator: ","))],"metadata":\#(metadata)}"#)
    }

    private static func metadata(_ run: Run) -> String { #"{"run_id":"\#(run.id.text)","feedback_tokens":[]}"# }

    // MARK: Streams

    func stream(_ call: Call) throws -> LocalResponse {
        let run = try run(call, call.body["config"] ?? .null)
        let (input, step) = (try input(try call.needed("input")), step)
        return events { writer in
            let isBegun = Flag()
            try await step.traced({ try await $0(input) }, run) { piece in
                // A prompt's value loses the name of its class on this way alone.
                let text = step.kind == .prompt
                    ? RunEvents.untyped(try JSON(of: piece)).text : try JSON.text(of: piece)
                let data = ServerEvents.data(text)
                if isBegun.set() { try await writer.write(ServerEvents.metadata(runID: run.id.text)) }
                try await writer.write(data)
            }
        }
    }

    func streamLog(_ call: Call) throws -> LocalResponse {
        let log = RunLog(try RunFilter(call.body))
        // Checked before the answer begins.
        _ = try run(call, call.body["config"] ?? .null)
        let (input, step) = (try input(try call.needed("input")), step)
        return events { writer in
            let turn = Turn()
            let send: @Sendable (JSON) async throws -> Void = { patches in
                try await turn.take { try await writer.write(ServerEvents.data(JSON.object(["ops": patches]).text)) }
            }
            let run = try self.run(call, call.body["config"] ?? .null) { event in
                if let patches = log.patches(event) { try await send(patches) }
            }
            try await send(RunLog.beginning(run))
            let output = Held<Step.Output>()
            try await step.traced({ try await $0(input) }, run) { piece in
                output.join(piece)
                try await send(RunLog.output(try JSON(of: piece), whole: try JSON(of: output.value ?? piece)))
            }
        }
    }

    func streamEvents(_ call: Call) throws -> LocalResponse {
        let told = RunEvents(try RunFilter(call.body), input: try call.needed("input"))
        _ = try run(call, call.body["config"] ?? .null)
        let (input, step) = (try input(try call.needed("input")), step)
        return events { writer in
            let turn = Turn()
            let run = try self.run(call, call.body["config"] ?? .null) { event in
                guard let data = told.json(event) else { return }
                try await turn.take { try await writer.write(ServerEvents.data(data.text)) }
            }
            try await step.traced({ try await $0(input) }, run) { _ in }
        }
    }

    /// Server-sent events. An error becomes the last of them; the body then ends in good order, and the log says why.
    private func events(_ body: @escaping @Sendable (LocalWriter) async throws -> Void) -> LocalResponse {
        var response = LocalResponse(contentType: ServerEvents.contentType) { writer in
            do {
                try await body(writer)
                try await writer.write(ServerEvents.end)
            } catch {
                if error is CancellationError { throw error }
                let told = HTTPError(telling: error)
                if told == nil { self.log(error) }
                try await writer.write(ServerEvents.error(told))
            }
        }
        response.headers = ServerEvents.headers
        return response
    }
}
