import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWorkers
import NIOCore

extension StatusReport {
    /// Who holds the file descriptors of the process, and how near the limit it is.
    struct Descriptors: Encodable {
        struct Budget: Encodable {
            var limit: Int
            var reserve: Int
            var clients: Int
            var upstreams: Int
            var other: Int
            /// Of the last three.
            var used: Int
        }
        struct Refused: Encodable {
            var full: Int
            var clientLimit: Int
            var dropped: Int
        }
        struct Client: Encodable {
            var address: String
            var connections: Int
        }
        struct CloseWait: Encodable {
            var side: String
            var peer: String
            var seconds: Double
            var request: Request?
        }
        struct Request: Encodable {
            var id: String
            var route: String
            var seconds: Double
            var phase: String
        }

        /// What the kernel says is open; the kinds add up to it.
        var open: Int
        var byKind: [String: Int]
        var pressure: String
        var budget: Budget
        var refused: Refused
        var largestClients: [Client]
        /// Sockets that their peers left more than five seconds ago.
        var closeWait: [CloseWait]
    }
}

extension StatusReport.Descriptors {
    init(_ desk: Desk, _ totals: MeterTotals) async throws {
        let files = FDKind.census()
        let census = desk.governor.census()
        open = files.values.reduce(0, +)
        let idle = min(Int(totals.connections(.upstreamIdle)), census.upstreams)
        var kinds = [
            "client": census.clients, "upstream": census.upstreams - idle, "idle": idle, "console": census.console,
            "listener": census.listeners, "file": files[.file] ?? 0,
            "worker": desk.backends.status().contains { $0.pid != nil } ? FDKind.pipesOfChildren(files) : 0,
        ]
        kinds["other"] = max(0, open - kinds.values.reduce(0, +))
        byKind = kinds
        pressure = census.pressure.text
        budget = Budget(
            limit: census.budget.limit, reserve: census.budget.reserve, clients: census.budget.clients,
            upstreams: census.budget.upstreams, other: census.budget.other, used: census.used)
        refused = Refused(
            full: census.refused.full, clientLimit: census.refused.tooMany, dropped: census.refused.dropped)
        largestClients = census.largestClients.map {
            Client(address: SocketAddress.text(ofClient: $0.client), connections: $0.open)
        }
        closeWait = try await desk.loops.abandonedSockets().map(CloseWait.init)
    }
}

extension StatusReport.Descriptors.CloseWait {
    init(_ socket: AbandonedSocket) {
        side = socket.side.rawValue
        peer = socket.peer
        seconds = socket.age.inSeconds
        request = socket.request.map {
            .init(id: $0.id, route: $0.route, seconds: $0.age.inSeconds, phase: $0.phase)
        }
    }
}
