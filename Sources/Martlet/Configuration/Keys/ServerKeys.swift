extension ConfigurationKeys {
    static let server: [ConfigurationKey] =
        [
            ConfigurationKey(
                "listen", .addresses, "127.0.0.1:8080", "Public addresses: one, or a list of addresses and sections."),
            ConfigurationKey("listen[]", .section, "One public address.", shorthand: "address"),
            ConfigurationKey("listen[].address", .address, "`HOST:PORT`, `[IPV6]:PORT` or `unix:/PATH`. Required."),
        ] + serverTLS("listen[].tls") + [
            ConfigurationKey(
                "console", .section, "Admin API, status and metrics; `off`: none.", shorthand: "address"),
            ConfigurationKey(
                "console.address", .address, "127.0.0.1:8081", "Only loopback, unless `token` and `tls` are set."),
            ConfigurationKey("console.token", .secret, "Callers must send it as `Authorization: Bearer TOKEN`."),
        ] + serverTLS("console.tls") + [
            ConfigurationKey("threads", .count, "auto", "Event loops; `auto`: one for each core."),
            ConfigurationKey(
                "trusted_proxies", .addresses,
                "Addresses and blocks (`10.0.0.0/8`) whose `X-Forwarded-For` (or, without one, `X-Real-IP`), `-Proto` "
                    + "and `X-Request-Id` are believed."
            ),
            ConfigurationKey(
                "access_log", .file, "off", "One JSON line for each request: `off`, `stdout`, `stderr` or a file."),
            ConfigurationKey("limits", .section, "What clients and the process may use."),
            ConfigurationKey(
                "limits.open_files", .count, "max",
                "The soft limit on file descriptors that the process gives itself; `max`: the hard limit."),
            ConfigurationKey("limits.body", .size, "16MiB", "The largest request body."),
            ConfigurationKey(
                "limits.buffered", .size, "1GiB",
                "Bytes of requests and answers held in all; then bodies get 503, stalled readers are cut."),
            ConfigurationKey("limits.header_timeout", .duration, "10s", "For the head of a request to arrive whole."),
            ConfigurationKey(
                "limits.body_rate", .size, "500B",
                "Bytes a second below which an upload is cut, once `body_grace` is over; `0`: never."),
            ConfigurationKey("limits.body_grace", .duration, "5s", "How long an upload may be as slow as it likes."),
            ConfigurationKey(
                "limits.keepalive", .duration, "75s", "How long a client connection may sit idle between requests."),
            ConfigurationKey(
                "limits.keepalive_requests", .count, "off",
                "After this many requests a client connection is closed; `off`: never."),
            ConfigurationKey(
                "limits.slow_reader", .duration, "30s",
                "A client that takes no byte of its answer for this long is cut."),
            ConfigurationKey(
                "limits.drain", .duration, "600s",
                "What requests in flight may take once the process is told to stop; then they are told."),
            ConfigurationKey(
                "limits.connections_per_client", .count, "256",
                "Connections that one client address (of IPv6, one /64) may hold; more get 429; `off`: any number."),
            ConfigurationKey(
                "limits.connection_rate", .count, "200",
                "New connections a second from one client address; more get 429; `off`: any number."),
            ConfigurationKey(
                "limits.exempt_clients", .addresses, "loopback",
                "Clients that the two keys above do not bound, beside `trusted_proxies`: addresses, blocks, `off`."),
            ConfigurationKey(
                "state", .file, ".martlet/state",
                "Folder for what Martlet writes about itself when it is in trouble; `off`: nothing."),
            ConfigurationKey("streaming", .section, "Event streams."),
            ConfigurationKey(
                "streaming.heartbeat", .duration, "15s",
                "After this long a silence a comment goes out, so that no proxy cuts the stream; `off`: never."
            ),
        ]

    /// - Parameters:
    ///   - plain: What is served without it.
    ///   - knowsClients: Clients can be asked for certificates of their own.
    static func serverTLS(_ path: String, plain: String = "HTTP", knowsClients: Bool = true) -> [ConfigurationKey] {
        let clients = ConfigurationKey(
            "\(path).client_ca", .file, "PEM file: clients must show a certificate signed by one of these.")
        return [
            ConfigurationKey(path, .section, "Serve TLS instead of plain \(plain)."),
            ConfigurationKey("\(path).certificate", .file, "PEM file of the certificate chain. Required."),
            ConfigurationKey("\(path).key", .file, "PEM file of its private key. Required."),
        ] + (knowsClients ? [clients] : [])
    }
}
