import Foundation
import Glibc
import MartletBase
import MartletNet
import MartletWire
import NIOCore

/// An address of the configuration: who has it now.
enum AddressFacts: Sendable, Equatable {
    case free
    /// A Martlet answers there.
    case ours
    /// Somebody listens there.
    case taken
    /// Nothing can listen there: an errno.
    case refused(CInt)
    /// The name has no address.
    case unresolved(String)
    /// The socket of a process that is gone.
    case stale
}

/// Who listens where we want to.
struct AddressProbe: Sendable {
    let resolver: NameResolver
    let client: HTTPClient

    func look(at address: ListenAddress, isTLS: Bool) async -> AddressFacts {
        let place: SocketAddress
        do {
            place = try await address.resolved(by: resolver)
        } catch {
            return .unresolved((error as? MartletError)?.cause ?? "\(error)")
        }
        guard case .unix(let path) = address else {
            switch bindFailure(place) {
            case nil: return .free
            case EADDRINUSE?: return await isMartlet(at: place, isTLS: isTLS) ? .ours : .taken
            case let code?: return .refused(code)
            }
        }
        guard FileManager.default.fileExists(atPath: path) else { return .free }
        guard await client.connects(to: place, timeout: .seconds(1)) else { return .stale }
        return await isMartlet(at: place, isTLS: isTLS) ? .ours : .taken
    }

    /// Whether what listens there answers as Martlet does.
    private func isMartlet(at place: SocketAddress, isTLS: Bool) async -> Bool {
        let origin = Origin(scheme: isTLS ? .https : .http, host: "localhost", port: place.port ?? 80)
        let tls = isTLS ? try? TLSClient(verify: false) : nil
        let reply = try? await client.request(
            .get, HTTPURL(origin: origin, path: "/healthz"), timeout: .seconds(1), maxBody: 4096, at: place, tls: tls)
        return reply.map { String(decoding: $0.body, as: UTF8.self).hasPrefix(#"{"status":""#) } ?? false
    }
}

enum AddressCheck {
    static func finding(_ check: String, _ address: ListenAddress, _ facts: AddressFacts) -> Finding {
        switch facts {
        case .free: return .ok(check, "\(address) is free")
        case .ours: return .ok(check, "\(address) is served by a running Martlet")
        case .taken: return .failure(check, "\(address) is in use by somebody else", remedy: owner(address))
        case .stale:
            return .failure(
                check, "\(address) was left behind by a process that is gone", remedy: "rm \(path(address))")
        case .unresolved(let cause):
            return .failure(check, "\(address): \(cause)", remedy: "\(check): 127.0.0.1:8080")
        case .refused(EACCES):
            return .failure(
                check, "\(address) may not be opened by this user",
                remedy: "AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or a port from 1024 on")
        case .refused(EADDRNOTAVAIL):
            return .failure(check, "\(address) is not an address of this machine", remedy: "ip address show")
        case .refused(let code):
            return .failure(check, "\(address): \(systemMessage(code))", remedy: owner(address))
        }
    }

    /// The console: who can reach it must know a token, or sit at this machine.
    static func console(_ console: ConsoleConfiguration?) -> Finding {
        let check = "console access"
        guard let console else { return .ok(check, "off") }
        if console.token != nil { return .ok(check, "with the token") }
        if console.address.isLoopback { return .ok(check, "without a token, from this machine only") }
        return .failure(
            check, "\(console.address) is open to other machines without a token", remedy: "console: 127.0.0.1:8081")
    }

    private static func owner(_ address: ListenAddress) -> String {
        switch address {
        case .tcp(_, let port): "ss -ltnp 'sport = :\(port)'"
        case .unix(let path): "ss -lxp src \(path)"
        }
    }

    private static func path(_ address: ListenAddress) -> String {
        if case .unix(let path) = address { path } else { "" }
    }
}
