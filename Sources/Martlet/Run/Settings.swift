import MartletBase
import MartletGateway
import MartletNet
import MartletTelemetry
import MartletWire
import NIOCore

extension FrontSettings {
    init(_ configuration: Configuration) {
        self.init()
        let limits = configuration.limits
        http.bodyBytes = limits.body
        headerTimeout = limits.headerTimeout
        bodyBytesPerSecond = limits.bodyRate
        bodyGrace = limits.bodyGrace
        keepAlive = limits.keepalive
        requestsPerConnection = limits.keepaliveRequests ?? .max
        slowReader = limits.slowReader
        trustedProxies = configuration.trustedProxies
    }
}

extension LogSink {
    /// nil: `access_log: off`.
    static func accessLog(_ settings: AccessLogConfiguration) throws -> LogSink? {
        switch settings {
        case .off: nil
        case .standardOutput: try LogSink(.standardOutput)
        case .standardError: try LogSink(.standardError)
        case .file(let path): try LogSink(.file(path))
        }
    }
}

extension SocketAddress {
    /// As a person pastes it.
    func url(isTLS: Bool) -> String {
        guard let ipAddress, let port else { return "unix:\(pathname ?? "")" }
        let host = self.protocol == .inet6 ? "[\(ipAddress)]" : ipAddress
        return "\(isTLS ? "https" : "http")://\(host):\(port)"
    }
}

extension ListenAddress {
    func resolved(by resolver: NameResolver) async throws -> SocketAddress {
        switch self {
        case .unix(let path): return try SocketAddress(unixDomainSocketPath: path)
        case .tcp(let host, let port):
            guard let address = try await resolver.resolve(host: host, port: port).first else {
                throw MartletError(.connectFailed, operation: "resolve \(host)", cause: "the name has no address")
            }
            return address
        }
    }
}

extension HTTPClient {
    /// Whether a managed backend answers its ready check with a 2xx.
    func isReady(host: String, port: Int, path: String, timeout: Duration) async -> Bool {
        let url = HTTPURL(origin: Origin(host: host, port: port), path: path)
        guard let reply = try? await request(.get, url, timeout: timeout) else { return false }
        return (200..<300).contains(reply.status)
    }
}
