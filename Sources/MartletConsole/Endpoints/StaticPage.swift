package import MartletExchange
import NIOCore

extension LocalResponse {
    /// A page of the console: one static file without a secret in it. Its policy lets nothing in but what the file has,
    /// and lets it ask nobody but the console.
    package static func page(_ html: [UInt8]) -> LocalResponse {
        var response = LocalResponse(
            status: 200, contentType: "text/html; charset=utf-8", body: ByteBuffer(bytes: html))
        response.headers = [
            ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"),
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
                    + "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
            ),
        ]
        return response
    }
}
