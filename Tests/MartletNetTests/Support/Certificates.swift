import Foundation

/// Certificates made by openssl in a folder of their own: an authority, a server for `localhost` and one for
/// 127.0.0.1, a client, and a stranger whom the authority does not know.
struct Certificates: Sendable {
    let folder: URL

    var authority: String { path("ca.pem") }
    var server: String { path("server.pem") }
    var serverKey: String { path("server.key") }
    var addressed: String { path("addressed.pem") }
    var addressedKey: String { path("addressed.key") }
    var client: String { path("client.pem") }
    var clientKey: String { path("client.key") }
    var stranger: String { path("stranger.pem") }
    var strangerKey: String { path("stranger.key") }

    /// Made once for all tests of a run.
    static let shared = Result { try Certificates() }

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "martlet-certificates-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let name = ["-addext", "subjectAltName=DNS:localhost"]
        let signed = ["-CA", path("ca.pem"), "-CAkey", path("ca.key")]
        try make("ca", ["-addext", "basicConstraints=critical,CA:TRUE"])
        try make("server", signed + name)
        try make("addressed", signed + ["-addext", "subjectAltName=IP:127.0.0.1"])
        try make("client", signed)
        try make("stranger", name)
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: folder.appending(path: name))
        return path(name)
    }

    private func make(_ name: String, _ extra: [String]) throws {
        let arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=\(name)", "-keyout", path("\(name).key"), "-out", path("\(name).pem"),
        ]
        let (status, output) = try openssl(arguments + extra)
        struct OpenSSLFailed: Error { var output: String }
        guard status == 0 else { throw OpenSSLFailed(output: output) }
    }
}

/// A GET by openssl's own client; everything it prints, the reply included.
func opensslGet(
    _ port: Int, certificate: String? = nil, key: String? = nil, extra: [String] = []
) throws -> String {
    var arguments = ["s_client", "-connect", "127.0.0.1:\(port)", "-ign_eof"] + extra
    if let certificate, let key { arguments += ["-cert", certificate, "-key", key] }
    return try openssl(arguments, input: "GET / HTTP/1.1\r\nHost: a\r\n\r\n").output
}

private func openssl(_ arguments: [String], input: String = "") throws -> (status: Int32, output: String) {
    let process = Process()
    let (standardInput, standardOutput) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", "20", "openssl"] + arguments
    process.standardInput = standardInput
    process.standardOutput = standardOutput
    process.standardError = standardOutput
    try process.run()
    try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try standardInput.fileHandleForWriting.close()
    let output = try standardOutput.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}
