import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletTesting
import NIOCore
import NIOEmbedded

/// One client's connection to a front, as bytes; the targets behind it are spoken for by the test.
final class ClientConnection {
    let manual: ManualLoop
    let pool: Pool
    let channel: EmbeddedChannel
    private let tap = Tap()
    /// Everything the front wrote so far.
    private var written = ""

    init(address: String = "198.51.100.7", bufferLimit: Int = 1 << 30, _ change: (inout FrontSettings) -> Void = { _ in }) throws {
        manual = ManualLoop(bufferLimit: bufferLimit)
        var settings = FrontSettings()
        change(&settings)
        pool = try .fake(count: 2, now: manual.now)
        let routes: [Route] = [
            .fake(.pool(pool), path: "/api/"), .fake(.pool(pool), path: "/small/", bodyLimit: 10),
            .fake(.models(.fake("m", pool)), path: "/v1/"), .fake(.pool(pool), path: "/batch/", priority: .batch),
        ]
        let site = Site(Site.Served(Router(routes)))
        let front = Listener.makeFront(on: manual.context, settings: settings, site: site)
        channel = EmbeddedChannel(loop: manual.loop)
        try channel.pipeline.syncOperations.addHandler(tap)
        try channel.pipeline.syncOperations.addHandler(front)
        try channel.connect(to: SocketAddress(ipAddress: address, port: 4000)).wait()
    }

    var legs: [FakeLeg] { manual.legs.legs }

    func send(_ text: String) throws {
        try channel.writeInbound(ByteBuffer(string: text))
    }

    func get(_ path: String = "/api/", _ fields: String = "") throws {
        try send("GET \(path) HTTP/1.1\r\nHost: example.com\r\n\(fields)\r\n")
    }

    /// What was written since the last call, the request ids taken out.
    func received() throws -> String {
        manual.run()
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        return lines.filter { !$0.hasPrefix("X-Request-Id: ") }.joined(separator: "\r\n")
    }

    /// The client takes what is sent, or lets it wait in the channel.
    func setWritable(_ isWritable: Bool) {
        tap.isOpen = isWritable
        if isWritable { channel.flush() }
        channel.isWritable = isWritable
        channel.pipeline.fireChannelWritabilityChanged()
    }

    /// The client closes its side.
    func leave() {
        channel.pipeline.fireChannelInactive()
        manual.run()
    }

    var openConnections: Int64 { manual.totals.connections(.client) }
}

/// Between front and channel: shut, it lets nothing be sent.
private final class Tap: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    var isOpen = true

    func flush(context: ChannelHandlerContext) {
        if isOpen { context.flush() }
    }
}
