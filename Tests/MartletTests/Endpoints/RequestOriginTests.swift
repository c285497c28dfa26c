import MartletWire
import Testing

@testable import Martlet

@Suite("Where a browser says that a request comes from")
struct RequestOriginTests {
    private func isOwn(_ origin: String?, host: String) -> Bool {
        var headers = HeaderBlock()
        headers.append("Host", host)
        if let origin { headers.append("Origin", origin) }
        return RequestOrigin.isOwn(headers)
    }

    @Test("No page, a page of this machine, of this address, or of this name over TLS may ask", arguments: [
        (nil, "models.example"), ("http://localhost:3000", "models.example"), ("http://127.0.0.1", "127.0.0.1:8000"),
        ("http://[::1]:5", "[::1]:8000"), ("http://192.0.2.7:8000", "192.0.2.7:8000"),
        ("https://models.example", "models.example"), ("https://Models.example:8443", "models.example:8443"),
    ] as [(String?, String)])
    func own(origin: String?, host: String) {
        #expect(isOwn(origin, host: host))
    }

    @Test("Others may not: another site, and a name that somebody made mean this machine", arguments: [
        ("null", "127.0.0.1:8000"), ("", "127.0.0.1:8000"), ("http://evil.example", "127.0.0.1:8000"),
        ("http://evil.example:8000", "evil.example:8000"), ("http://192.0.2.8:8000", "192.0.2.7:8000"),
        ("https://evil.example", "models.example"), ("http://localhost.evil.example", "127.0.0.1"),
        ("http://localhost@evil.example", "127.0.0.1"), ("file://localhost", "localhost"),
        ("http://2130706433", "2130706433"),
    ])
    func others(origin: String, host: String) {
        #expect(!isOwn(origin, host: host))
    }
}
