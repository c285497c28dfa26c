import Foundation
import MartletBase
import MartletNet
import MartletTasks
import MartletWire
import NIOCore

/// Tells by HTTP that a task ended: one POST of JSON, signed where there is a secret.
struct HTTPWebhooks: WebhookSender {
    private let settings: WebhookSettings
    private let client: HTTPClient
    private let resolver: NameResolver

    init(_ settings: WebhookSettings, client: HTTPClient, resolver: NameResolver) {
        (self.settings, self.client, self.resolver) = (settings, client, resolver)
    }

    func check(_ text: String) async throws {
        let url: HTTPURL
        do {
            url = try HTTPURL(text)
        } catch {
            throw MartletError(.invalidBody, cause: "`webhook`: \(error)")
        }
        _ = try await addresses(of: url)
    }

    func send(_ message: WebhookMessage, to text: String) async -> Bool {
        let headers = WebhookHeaders.of(message, secret: settings.secret, now: Int64(Date().timeIntervalSince1970))
        // Looked up for each attempt, and the connection goes to what was looked at: a name may mean another address
        // a moment later.
        guard let url = try? HTTPURL(text), let address = try? await addresses(of: url).first,
            let reply = try? await client.request(
                .post, url, headers: headers, body: Array(message.body.utf8), timeout: settings.timeout,
                maxBody: 64 << 10, at: address)
        else { return false }
        return (200..<300).contains(reply.status)
    }

    /// - Throws: `invalid_body` where one of them may not be told.
    private func addresses(of url: HTTPURL) async throws -> [SocketAddress] {
        let addresses: [SocketAddress]
        do {
            addresses = try await resolver.resolve(
                host: url.origin.host, port: url.origin.port, timeout: settings.timeout)
        } catch {
            throw MartletError(.invalidBody, cause: "`webhook`: \(url.origin.host) cannot be found")
        }
        guard settings.allowsPrivateAddresses || addresses.allSatisfy({ !PrivateAddress.isPrivate($0) }) else {
            throw MartletError(.invalidBody, cause: "`webhook`: \(url.origin.host) is no public address")
        }
        return addresses
    }
}

/// Addresses that mean something only here: of this machine, of private networks, of none.
enum PrivateAddress {
    static func isPrivate(_ address: SocketAddress) -> Bool {
        address.ipAddress == nil || ranges.contains { $0.contains(address) }
    }

    private static let ranges: [AddressRange] = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3", "::/127", "64:ff9b::/96", "100::/64", "fc00::/7",
        "fe80::/10", "ff00::/8", "2002::/16",
    ].compactMap { AddressRange(text: $0) }
}
