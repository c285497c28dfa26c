/// What the console's `/status` says, as far as tests ask.
struct Status: Decodable, Sendable {
    struct Process: Decodable, Sendable {
        var openFiles: Int
        var uptimeSeconds: Double
    }
    struct Connections: Decodable, Sendable {
        var client: Int
        var upstreamActive: Int
        var upstreamIdle: Int
    }
    struct Descriptors: Decodable, Sendable {
        struct Budget: Decodable, Sendable {
            var limit: Int
            var used: Int
        }
        struct CloseWait: Decodable, Sendable {
            struct Request: Decodable, Sendable {
                var id: String
                var route: String
                var seconds: Double
            }
            var side: String
            var seconds: Double
            var request: Request?
        }
        var open: Int
        var byKind: [String: Int]
        var pressure: String
        var budget: Budget
        var closeWait: [CloseWait]
    }
    struct Buffered: Decodable, Sendable {
        var bytes: Int
    }
    struct Pool: Decodable, Sendable {
        var name: String
        var inFlight: Int
        var queued: [String: Int]
        var retriesInProgress: Int
        var isPanicking: Bool
        var targets: [Target]

        var queuedCount: Int { queued.values.reduce(0, +) }
    }
    struct Target: Decodable, Sendable {
        var url: String
        var inFlight: Int
        var state: String
        var reason: String?
        var secondsUntilNextTry: Double?
        var failures: [String: Int]
        var breaker: String
        var picks: Int
    }
    struct Backend: Decodable, Sendable {
        var name: String
        var instance: Int
        var state: String
        var isOutgoing: Bool?
        var pid: Int32?
        var port: Int?
        var openFiles: Int?
        var restarts: Int
        var lastExit: String?
        var secondsInState: Double
    }

    var process: Process
    var connections: Connections
    var descriptors: Descriptors
    var buffered: Buffered
    var pools: [Pool]
    var backends: [Backend]

    /// Nothing in flight or held. The one client connection is the one that asks.
    var isAtRest: Bool {
        connections.client == 1 && connections.upstreamActive == 0 && connections.upstreamIdle == 0
            && buffered.bytes == 0
            && pools.allSatisfy { pool in
                pool.inFlight == 0 && pool.queuedCount == 0 && pool.retriesInProgress == 0
                    && pool.targets.allSatisfy { $0.inFlight == 0 }
            }
    }

    func pool(_ name: String) -> Pool? { pools.first { $0.name == name } }

    /// The target that listens on `port`, in whichever pool.
    func target(_ port: Int) -> Target? {
        pools.flatMap(\.targets).first { $0.url.contains(":\(port)") }
    }
}

/// Prometheus text.
struct Metrics: Sendable {
    let text: String

    /// The sum of a series over every sample that carries these labels; 0 when there is none.
    func sum(_ series: String, _ labels: [String: String] = [:]) -> Double {
        samples(series, labels).reduce(0) { $0 + $1 }
    }

    func has(_ series: String, _ labels: [String: String] = [:]) -> Bool { !samples(series, labels).isEmpty }

    private func samples(_ series: String, _ labels: [String: String]) -> [Double] {
        text.split(separator: "\n").compactMap { line in
            guard line.hasPrefix(series + "{") || line.hasPrefix(series + " "),
                labels.allSatisfy({ line.contains("\($0.key)=\"\($0.value)\"") }),
                let value = line.split(separator: " ").last
            else { return nil }
            return Double(value)
        }
    }
}
