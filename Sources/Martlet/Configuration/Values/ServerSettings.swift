package import MartletBase
package import MartletNet

/// One entry of `listen`.
package struct ListenConfiguration: Sendable, Equatable {
    package var address: ListenAddress
    /// nil: plain HTTP.
    package var tls: TLSServerConfiguration?
}

/// `tls` of a listener or of the console: paths of PEM files.
package struct TLSServerConfiguration: Sendable, Equatable {
    /// The certificate chain, the server's own first.
    package var certificate: String
    package var key: String
    /// `client_ca`: clients must show a certificate that one of these signed.
    package var clientCA: String?
}

/// `console`. Off loopback it always has both a token and TLS.
package struct ConsoleConfiguration: Sendable, Equatable {
    package var address: ListenAddress
    /// What callers send as `Authorization: Bearer …`; nil: nobody is asked.
    package var token: Secret?
    package var tls: TLSServerConfiguration?
}

/// `limits`. Sizes are bytes.
package struct LimitsConfiguration: Sendable, Equatable {
    /// `open_files`: the soft limit on file descriptors that the process gives itself.
    package enum OpenFiles: Sendable, Equatable {
        /// `max`: the hard limit.
        case max
        case count(Int)
    }
    package var openFiles = OpenFiles.max
    /// `body`: the largest request body.
    package var body = 16 << 20
    /// `buffered`: bytes of requests and answers that the process holds at one time, over all connections.
    package var buffered = 1 << 30
    /// `header_timeout`: for the head of a request to arrive whole.
    package var headerTimeout: Duration = .seconds(10)
    /// `body_rate`: bytes a second below which an upload is cut, once `bodyGrace` is over; 0: never.
    package var bodyRate = 500
    /// `body_grace`: how long an upload may be as slow as it likes.
    package var bodyGrace: Duration = .seconds(5)
    /// `keepalive`: how long a client connection may sit idle between requests.
    package var keepalive: Duration = .seconds(75)
    /// `keepalive_requests`: after this many a client connection is closed; nil: no limit.
    package var keepaliveRequests: Int?
    /// `slow_reader`: how long a client may take no byte of an answer before it is cut.
    package var slowReader: Duration = .seconds(30)
    /// `drain`: what requests in flight may take once the process is told to stop.
    package var drain: Duration = .seconds(600)
    /// `connections_per_client`: nil: any number.
    package var connectionsPerClient: Int? = 256
    /// `connection_rate`: new connections a second from one client; nil: any number.
    package var connectionRate: Int? = 200
    /// `exempt_clients`: addresses that the two above do not bound, beside the trusted proxies.
    package var exemptClients = AddressRange.loopback
}

/// `access_log`.
package enum AccessLogConfiguration: Sendable, Equatable {
    case off
    case standardOutput
    case standardError
    case file(String)
}

/// `streaming`.
package struct StreamingConfiguration: Sendable, Equatable {
    /// `heartbeat`: the silence on an event stream after which a comment goes out; nil: `off`.
    package var heartbeat: Duration? = .seconds(15)
}
