import MartletBase
package import MartletWire

/// One API of an app, as its workers state it.
package struct WorkerAPI: Sendable, Equatable {
    /// Items that a batch may have at most, whatever an app says.
    static let mostInBatch = 65_535

    /// What the app calls it: the path that it states.
    package let name: String
    /// Where it is served. Ends in `*` where everything below it is meant.
    package var path: String
    /// Empty: any.
    package var methods: [String] = ["POST"]
    package var operation = "predict"
    package var isStream = false
    /// Requests that one batch may carry.
    package var maxBatch = 1
    /// What the requests of one batch may weigh together; a single one may weigh more. nil: no bound.
    package var batchWeight: Int?
    /// The member of the JSON body that says what a request weighs; nil: each weighs 1.
    package var weightBy: String?
    /// How long the first of a batch waits for others while every worker is busy.
    package var batchWindow: Duration = .zero
    /// Batches that a worker works on at one time.
    package var concurrent = 1
    /// How long a request may wait for its turn; nil: as the pool says.
    package var queueTimeout: Duration?
    package var workersPerDevice = 1
    package var devices: [String] = ["cpu"]
    /// The largest request body in bytes; nil: as the route says.
    package var maxBody: Int?
    /// The stage after it in its pipeline, as the app calls it: gets its answers as bodies. nil: they are the client's.
    package var then: String?

    /// Its workers see for themselves who may ask; else the server's key is asked for in front of them.
    package var authorizes = false
    /// Where they do: the server's key is all that they ask for.
    package var authorizesByKey = false

    /// JSON Schemas of bodies; nil: the app does not say.
    package var requestSchema: JSONValue?
    package var responseSchema: JSONValue?
    /// nil: no chain.
    package var chain: ChainDescription?
    /// nil: no tool for assistants.
    package var tool: Tool?

    /// The API as a tool of the Model Context Protocol.
    package struct Tool: Sendable, Equatable, Decodable {
        package var name: String
        package var description: String?
        /// Of its arguments, which are the request's body.
        package var schema: JSONValue?
    }

    package init(path: String) {
        name = path
        self.path = path
    }
}
