import MartletBase

/// What a mock backend listens on and how it behaves.
package struct MockOptions: Sendable {
    package var host = "127.0.0.1"
    /// 0 picks a free port.
    package var port = 0
    /// The model that `/v1/models` lists and answers name.
    package var model = "mock"
    /// How it answers unless a request says otherwise.
    package var behaviour = MockBehaviour()
    /// How it behaves by the clock, from its start.
    package var schedule = MockSchedule()
    /// Completions and embeddings that are worked on at one time; the rest wait in line. nil: no limit.
    package var slots: Int?
    /// When set, only one connection is accepted each time this passes.
    package var slowAccept: Duration?
    /// The heads of all requests are kept, for who asks what they said.
    package var keepsHeads = false

    package init() {}
}

/// How requests are answered. A request changes it for itself with `x-mock-…` fields, and `POST /control` with the same
/// fields changes it for every request that follows.
package struct MockBehaviour: Sendable, Equatable {
    /// `x-mock-latency`: time to the first byte of the answer.
    package var latency = Duration.zero
    /// `x-mock-tokens`: events of a stream.
    package var tokens = 16
    /// `x-mock-interval`: time between two events; zero sends as fast as the client reads.
    package var interval = Duration.milliseconds(10)
    /// `x-mock-size`: bytes of the body of an answer that is not streamed.
    package var size = 1024
    /// `x-mock-fault`.
    package var fault = MockFault.none
    /// `x-mock-health`: the status of `/health`. Faults other than this one leave `/health` alone, but `hang`,
    /// `black-hole`, `reset` and `close`: a backend that is gone does not answer its health check either.
    package var health = 200
    /// The port is closed and every connection is reset, as if the process had been killed. Only a schedule says so.
    package var refuses = false

    package init() {}

    /// Takes one field, its name in lower case without `x-mock-`. Returns false when the value cannot be read.
    package mutating func set(_ name: some StringProtocol, _ value: some StringProtocol) -> Bool {
        switch name {
        case "latency": assign(Duration(text: value), to: \.latency)
        case "interval": assign(Duration(text: value), to: \.interval)
        case "tokens": assign(Int(value).flatMap { $0 >= 0 ? $0 : nil }, to: \.tokens)
        case "size": assign(ByteCount.parse(value).flatMap { $0 <= Self.maximumSize ? $0 : nil }, to: \.size)
        case "fault": assign(MockFault(text: String(value)), to: \.fault)
        case "health": assign(Int(value).flatMap { (200...599).contains($0) ? $0 : nil }, to: \.health)
        default: true
        }
    }

    /// What ``set(_:_:)`` knows, for those who may not be told in silence that it does not.
    static let names: Set = ["latency", "interval", "tokens", "size", "fault", "health"]

    private static let maximumSize = 64 << 20

    private mutating func assign<Value>(_ value: Value?, to path: WritableKeyPath<Self, Value>) -> Bool {
        guard let value else { return false }
        self[keyPath: path] = value
        return true
    }
}
