import NIOCore
import NIOPosix
import Synchronization

/// A name server that answers as the test says. It knows IPv4 addresses alone.
final class NameServer: Sendable {
    enum Answer: Sendable {
        case addresses([String])
        /// NXDOMAIN.
        case noSuchName
        /// SERVFAIL.
        case failure
        case silence
    }

    private let zone: Zone
    private let channel: any Channel

    private init(zone: Zone, channel: any Channel) {
        self.zone = zone
        self.channel = channel
    }

    /// Listens on port 53: no other can be named in resolv.conf.
    static func start(on address: String) async throws -> NameServer {
        let zone = Zone()
        let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NameServerHandler(zone: zone))
                }
            }
            .bind(host: address, port: 53).get()
        return NameServer(zone: zone, channel: channel)
    }

    /// What is said of a name from now on; names that nobody spoke of do not exist.
    subscript(name: String) -> Answer {
        get { zone[name] }
        set { zone[name] = newValue }
    }

    func stop() async {
        try? await channel.close()
    }
}

private final class Zone: Sendable {
    private let answers = Mutex<[String: NameServer.Answer]>([:])

    subscript(name: String) -> NameServer.Answer {
        get { answers.withLock { $0[name, default: .noSuchName] } }
        set { answers.withLock { $0[name] = newValue } }
    }
}

private final class NameServerHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private static let ipv4: UInt16 = 1
    private let zone: Zone

    init(zone: Zone) {
        self.zone = zone
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        var query = envelope.data
        guard let reply = reply(to: &query) else { return }
        context.writeAndFlush(
            wrapOutboundOut(AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: reply)), promise: nil)
    }

    /// RFC 1035 §4.1, one question; nil where nothing is to be said.
    private func reply(to query: inout ByteBuffer) -> ByteBuffer? {
        guard let id = query.readInteger(as: UInt16.self), query.readSlice(length: 10) != nil else { return nil }
        let question = query
        var labels: [String] = []
        while let length = query.readInteger(as: UInt8.self), length > 0 {
            guard let label = query.readString(length: Int(length)) else { return nil }
            labels.append(label)
        }
        guard let type = query.readInteger(as: UInt16.self), query.readInteger(as: UInt16.self) != nil,
            let asked = question.getSlice(at: question.readerIndex, length: query.readerIndex - question.readerIndex)
        else { return nil }
        var (code, addresses): (UInt16, [String]) = (0, [])
        switch zone[labels.joined(separator: ".")] {
        case .silence: return nil
        case .noSuchName: code = 3
        case .failure: code = 2
        case .addresses(let known): if type == Self.ipv4 { addresses = known }
        }
        return reply(id, code, asked, addresses)
    }

    private func reply(_ id: UInt16, _ code: UInt16, _ question: ByteBuffer, _ addresses: [String]) -> ByteBuffer {
        var reply = ByteBuffer()
        // An answer, recursion asked for and available; one question, so many answers.
        for field in [id, 0x8180 | code, 1, UInt16(addresses.count), 0, 0] { reply.writeInteger(field) }
        reply.writeImmutableBuffer(question)
        for address in addresses {
            // The name of the question, an IPv4 address of the Internet, not to be kept.
            for field in [0xc00c, Self.ipv4, 1, 0, 0, 4] { reply.writeInteger(field) }
            reply.writeBytes(address.split(separator: ".").compactMap { UInt8($0) })
        }
        return reply
    }
}
