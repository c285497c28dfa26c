import MartletBase
package import MartletWire
package import NIOCore

/// Small HTTP/1.1 requests of the control plane: health checks, ready checks, model lists, the command line.
///
/// One connection for each call, closed when the call ends, however it ends; replies are read whole, within a
/// bound. Redirects are answers like any other and are never followed. Clients' own requests do not come this way.
package struct HTTPClient: Sendable {
    let group: any EventLoopGroup
    let resolver: NameResolver

    package init(group: any EventLoopGroup, resolver: NameResolver) {
        self.group = group
        self.resolver = resolver
    }

    /// Sends one request and reads the whole reply, whatever its status. Cancelling the task resets the connection.
    ///
    /// Throws a `MartletError`: `connect_failed` (name, connection, TLS), `connect_timeout`, `total_timeout`,
    /// `upstream_reset`, `upstream_truncated`, `upstream_malformed`, `bad_request` (what is asked cannot be sent);
    /// or `CancellationError`; or a `TLSConfigurationError` when the system's authorities cannot be read.
    ///
    /// - Parameters:
    ///   - headers: sent besides `Host`, `User-Agent` and `Accept`, which they may replace, and the framing and
    ///     `Connection`, which they may not.
    ///   - timeout: for everything: name, connection, request and reply.
    ///   - maxBody: bytes; a longer reply is `upstream_malformed`.
    ///   - address: where to connect to instead of the URL's host, also a Unix domain socket.
    ///   - tls: how to speak to an `https` host; without it, with the system's authorities.
    package func request(
        _ method: Method, _ url: HTTPURL, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        timeout: Duration = .seconds(5), maxBody: Int = 1 << 20, at address: SocketAddress? = nil,
        tls: TLSClient? = nil
    ) async throws -> HTTPReply {
        let call = ReplyCollector.Call(
            operation: "\(method.text) \(url)", method: method,
            bytes: try RequestText.compose(method, url, headers: headers, body: body), maxBody: maxBody)
        var security: TLSClient?
        if url.origin.scheme == .https { security = try tls ?? TLSClient.systemDefault.get() }
        let host = url.origin.host
        return try await Dialler.bounded(
            on: group.any(), by: timeout, operation: call.operation
        ) { [security] dialler in
            let addresses =
                if let address { [address] } else {
                    try await resolver.resolve(host: host, port: url.origin.port, timeout: timeout)
                }
            let reply = try await dialler.dial(addresses) { channel in
                if let security { try channel.pipeline.syncOperations.addHandler(security.makeHandler(host: host)) }
            } connected: { channel in
                ReplyCollector.start(call, on: channel)
            }
            return try await reply.get()
        }
    }

    /// Whether something accepts TCP connections at the address. The connection is closed at once.
    package func connects(to address: SocketAddress, timeout: Duration) async -> Bool {
        let answer = try? await Dialler.bounded(
            on: group.any(), by: timeout, operation: "connect \(address)"
        ) { dialler in
            try await dialler.dial([address]) { _ in } connected: { channel in
                // A connection to a free port of this machine can meet itself: the kernel may pick the very port
                // that is dialled as the local one.
                let isOwnReflection = channel.localAddress == channel.remoteAddress && channel.localAddress != nil
                channel.close(promise: nil)
                return !isOwnReflection
            }
        }
        return answer ?? false
    }
}
