import Logging
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletNet
import MartletTasks
import MartletTelemetry
import MartletWire
import NIOCore
import NIOPosix
import Synchronization

/// What monitors ask `martlet broker`: `/metrics`, `/healthz` and `/readyz`, on a loop of its own.
final class BrokerConsole: Sendable {
    let url: String
    private let group: MultiThreadedEventLoopGroup
    private let listener: Listener
    private let desk: BrokerDesk

    private init(
        group: MultiThreadedEventLoopGroup, listener: Listener, desk: BrokerDesk
    ) {
        self.group = group
        self.listener = listener
        self.desk = desk
        url = listener.address.url(isTLS: false)
    }

    /// Listens and answers that the broker is not ready.
    ///
    /// - Parameter address: `HOST:PORT` of this machine; nil: there is to be no console.
    static func open(_ address: String?, logger: Logger) async throws -> BrokerConsole? {
        guard let address else { return nil }
        guard let place = ListenAddress(text: address), place.isLoopback, case .tcp(let host, let port) = place,
            let socketAddress = SocketAddress.literal(host == "localhost" ? "127.0.0.1" : host, port: port)
        else {
            throw BrokerMistake(
                "--console: '\(address)' is no address of this machine's own, such as 127.0.0.1:8082; from elsewhere "
                    + "metrics are read through a proxy that asks for credentials")
        }
        let socket: CInt
        do {
            socket = try ListenSocket.open(on: socketAddress)
        } catch {
            throw BrokerMistake("--console: \(address): \(error)")
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let context = try await loop.submit {
            let context = LoopContext(loop: loop, number: 0, budget: BufferBudget(limit: 16 << 20), seed: 0)
            context.legs = HTTP1Legs(loop: context, governor: Governor())
            return NIOLoopBound(context, eventLoop: loop)
        }.get()
        let loops = LoopTable(group: group, contexts: [context])
        let desk = BrokerDesk(loops)
        let site = Site(Site.Served(Router(desk.routes), settings: FrontSettings()))
        let listener = try await Listener.open(socket, site: site, loops: loops, logger: logger)
        await listener.accept()
        return BrokerConsole(group: group, listener: listener, desk: desk)
    }

    /// The broker is there.
    func serve(_ broker: BrokerServer) { desk.broker.withLock { $0 = broker } }

    func close() async {
        await listener.close()
        try? await group.shutdownGracefully()
    }
}

/// Its endpoints.
private final class BrokerDesk: LocalHandler {
    let broker = Mutex<BrokerServer?>(nil)
    private let loops: LoopTable
    private let labels = LabelRegistry()

    init(_ loops: LoopTable) { self.loops = loops }

    var routes: [Route] {
        ["/metrics", "/healthz", "/readyz"].map { path in
            Route(
                index: labels.index(of: path, in: .route), path: path, destination: .local(Guarded(self, token: nil)),
                shape: .openAI, bodyLimit: 0, isLogged: false, isExact: true)
        }
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let broker = broker.withLock { $0 }
        if request.path != "/metrics" {
            let isWell = request.path == "/healthz" || broker != nil
            return .json(isWell ? #"{"status":"ok"}"# : #"{"status":"fail"}"#, status: isWell ? 200 : 503)
        }
        var readings = Readings(build: BuildInfo.current)
        if let figures = try await broker?.figures() { readings.broker = Readings.Broker(figures) }
        let totals = MeterTotals(try await loops.map { $0.meter.snapshot() })
        let text = Exposition.text(totals: totals, labels: labels, readings: readings)
        return LocalResponse(status: 200, contentType: Exposition.contentType, body: ByteBuffer(string: text))
    }
}
