import MartletBase
import MartletExchange
import MartletNet
import MartletWire
import NIOCore

/// Who the client is, and how its requests are written for the upstream.
///
/// `X-Forwarded-For`, `-Proto`, `X-Real-IP` and `X-Request-Id` are always ours; what the client sent in them is
/// believed only from a trusted proxy.
final class ForwardedFor {
    let address: String
    private let isTrusted: Bool
    private let isLoopback: Bool
    private let isTLS: Bool
    private let trustedProxies: [AddressRange]
    /// Fields that are not passed on.
    private let dropped: FieldSet

    convenience init(_ remote: SocketAddress?, settings: FrontSettings) {
        let isTrusted = remote.map { address in settings.trustedProxies.contains { $0.contains(address) } } ?? false
        self.init(
            address: remote?.ipAddress ?? "local", isTrusted: isTrusted, isLoopback: remote?.isLoopback ?? true,
            settings: settings)
    }

    private init(address: String, isTrusted: Bool, isLoopback: Bool, settings: FrontSettings) {
        self.address = address
        self.isTrusted = isTrusted
        self.isLoopback = isLoopback
        isTLS = settings.isTLS
        trustedProxies = settings.trustedProxies
        dropped = isTrusted ? Self.alwaysDropped : Self.alwaysDropped.union(Self.claimed)
    }

    /// The chain of addresses and what else the upstream is told of the client.
    private static func append(chain: String, client: String, scheme: String, to lines: inout HeaderLines) {
        lines.bytes.writeStaticString("X-Forwarded-For: ")
        lines.bytes.writeString(chain)
        lines.bytes.writeStaticString("\r\nX-Forwarded-Proto: ")
        lines.bytes.writeString(scheme)
        lines.bytes.writeStaticString("\r\nX-Real-IP: ")
        lines.bytes.writeString(client)
        lines.bytes.writeStaticString("\r\n")
    }

    /// The request as it will be sent, and what it says about its caller.
    func accept(
        _ head: RequestHead, framing: RequestFraming, route: Route, loop: LoopContext, now: Instant
    ) -> (OutgoingRequest, CallerFacts) {
        var caller = CallerFacts()
        caller.bodySize = framing.bodySize
        caller.priority = route.priority
        if head.headers.contains(.xRequestPriority) {
            // The later class is the lower one: what a client says never raises it above the route's.
            let stated = head.headers.value(.xRequestPriority).flatMap { PriorityClass(text: $0) }
            caller.priority = max(route.priority, stated ?? route.priority)
        }
        if head.headers.contains(.xRequestTimeout) {
            caller.deadline = head.headers.value(.xRequestTimeout).flatMap { Duration(textOrSeconds: $0) }
                .map { now + $0 } ?? .never
        }
        if loop.later != nil, head.headers.contains(.prefer) { caller.prefersLater = head.prefersLater }
        caller.requestID = requestID(head.headers) ?? loop.nextRequestID()

        var lines = HeaderLines(loop.buffers.take())
        if isTrusted {
            let (chain, scheme) = believed(head.headers)
            caller.client = chain.stranger
            Self.append(chain: chain.text, client: chain.client, scheme: scheme, to: &lines)
        } else {
            caller.client = isLoopback ? nil : address
            Self.append(chain: address, client: address, scheme: isTLS ? "https" : "http", to: &lines)
        }
        return (Self.outgoing(head, for: route, id: caller.requestID, dropping: dropped, lines: consume lines), caller)
    }

    /// A request of this process itself as it will be sent, in the name of `client`.
    static func inner(_ head: RequestHead, for route: Route, client: String, id: String) -> OutgoingRequest {
        var lines = HeaderLines()
        append(chain: client, client: client, scheme: "http", to: &lines)
        return outgoing(head, for: route, id: id, dropping: alwaysDropped.union(claimed), lines: consume lines)
    }

    /// By the rules of the route, whoever asks.
    ///
    /// - Parameters:
    ///   - dropped: Fields that the caller may not state.
    ///   - lines: What the upstream is told of the caller.
    private static func outgoing(
        _ head: RequestHead, for route: Route, id: String, dropping dropped: FieldSet,
        lines: consuming HeaderLines
    ) -> OutgoingRequest {
        lines.bytes.writeStaticString("X-Request-Id: ")
        lines.bytes.writeString(id)
        lines.bytes.writeStaticString("\r\n")
        // An answer that is read in passing must not be compressed.
        if route.isModelAPI { lines.bytes.writeStaticString("Accept-Encoding: identity\r\n") }
        if !route.requestEdits.isEmpty {
            // What the operator says about a field of ours holds as well.
            var edited = HeaderLines()
            lines.write(into: &edited.bytes, exceptNamed: route.requestEdits.dropped)
            edited.bytes.writeImmutableBuffer(route.requestEdits.lines.bytes)
            lines = edited
        }
        return OutgoingRequest(
            head: head.detached(stripping: route.strip.count),
            except: dropped.union(route.isModelAPI ? [.acceptEncoding] : []),
            exceptNamed: route.requestEdits.dropped, lines: lines, hostHeader: route.hostHeader)
    }

    /// The id that a trusted proxy gave the request.
    func requestID(_ headers: HeaderBlock) -> String? { isTrusted ? headers.value(.xRequestID) : nil }

    /// The address to log: the one that a trusted proxy names, else its own.
    func client(_ headers: HeaderBlock) -> String {
        isTrusted ? believed(headers).chain.stranger ?? address : address
    }

    /// What a trusted proxy says of the request it passed on.
    private func believed(_ headers: HeaderBlock) -> (chain: ForwardedChain, scheme: String) {
        let stated = headers.fields.filter { $0.name == .xForwardedFor }.map { headers.value($0) }
        let chain = ForwardedChain(
            stated: stated, named: headers.value(.xRealIP), address: address, trusted: trustedProxies)
        return (chain, headers.value(.xForwardedProto) ?? (isTLS ? "https" : "http"))
    }

    private static let alwaysDropped = FieldSet.hopByHop.union(.framing).union(
        [.host, .xForwardedFor, .xForwardedProto, .xRealIP, .xRequestID])
    /// Only a trusted proxy may say these.
    private static let claimed: FieldSet = [.xForwardedHost, .xForwardedPort, .forwarded]
}

extension RequestFraming {
    var bodySize: BodySize {
        switch body {
        case .none: .none
        case .length(let length): .exactly(length)
        case .chunked: .unknown
        }
    }
}

extension RequestHead {
    /// Beyond this a receive buffer is too large to be pinned for as long as the request waits.
    private static let pinnedLimit = 4096

    /// The request with the first `count` bytes of its path taken off, in small storage.
    func detached(stripping count: Int) -> RequestHead {
        let isPinning = headers.bytes.storageCapacity > Self.pinnedLimit
        guard isPinning || count > 0 else { return self }
        var headers = headers
        if isPinning {
            headers = HeaderBlock()
            headers.append(contentsOf: self.headers)
        }
        return RequestHead(
            method: method, methodBytes: methodBytes, target: stripped(count), authority: authority.copied,
            headers: headers)
    }

    /// The target without the first `count` bytes of its path, in storage of its own.
    private func stripped(_ count: Int) -> ByteBuffer {
        guard count > 0, pathLength >= count,
            let rest = target.getSlice(at: target.readerIndex + count, length: target.readableBytes - count)
        else { return target.copied }
        var stripped = ByteBufferAllocator().buffer(capacity: rest.readableBytes + 1)
        if rest.readableBytesView.first != UInt8(ascii: "/") { stripped.writeStaticString("/") }
        stripped.writeImmutableBuffer(rest)
        return stripped
    }
}

extension RequestHead {
    /// Whether one of the preferences is `respond-async` (RFC 7240 §4.1).
    fileprivate var prefersLater: Bool {
        headers.fields.contains { field in
            field.name == .prefer
                && headers.value(field).split(whereSeparator: { $0 == "," }).contains { preference in
                    preference.prefix { $0 != ";" }.trimmingBlanks.lowercased() == "respond-async"
                }
        }
    }
}

extension Substring {
    fileprivate var trimmingBlanks: Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
