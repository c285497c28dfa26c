import MartletExchange
import NIOCore

/// The page that tries a chain out: one static file, the same for every chain, in Swift and in Python.
enum Playground {
    static let response: LocalResponse = {
        var response = LocalResponse(
            status: 200, contentType: "text/html; charset=utf-8",
            body: ByteBuffer(bytes: PackageResources.playground_html))
        response.headers = [
            ("Cache-Control", "no-cache"),
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
                    + "img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
            ),
        ]
        return response
    }()
}
