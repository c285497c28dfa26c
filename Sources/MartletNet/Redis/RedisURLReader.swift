import MartletBase

/// Takes a URL of a Redis server apart. What it throws never holds a part of a password.
struct RedisURLReader {
    typealias Reason = HTTPURL.Reason

    private let text: String

    init(_ text: String) {
        self.text = text
    }

    func url() throws(Reason) -> RedisURL {
        guard text.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            throw Reason(words: "spaces, control characters and letters outside ASCII have to be percent-encoded")
        }
        guard !text.contains(";") else { throw Reason(words: "it names several servers, and one is needed") }
        var url = RedisURL()
        var rest: Substring
        if text.lowercased().hasPrefix("redis://") {
            rest = text.dropFirst(8)
        } else if text.lowercased().hasPrefix("rediss://") {
            rest = text.dropFirst(9)
            url.isTLS = true
        } else {
            throw Reason(words: "it has to begin with redis:// or rediss://")
        }
        guard !rest.contains("#") else { throw Reason(words: "a # has to be written %23") }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        rest = rest.dropFirst(authority.count)
        let address = try user(authority, into: &url)
        guard !rest.prefix(while: { $0 != "?" }).contains("@") else {
            throw Reason(words: "a / in a password has to be written %2F")
        }
        if address.isEmpty {
            url.host = "localhost"
        } else if address.hasPrefix(":") {
            (url.host, url.port) = try HTTPURL.hostAndPort("localhost" + address, defaultPort: RedisURL.defaultPort)
        } else {
            (url.host, url.port) = try HTTPURL.hostAndPort(address, defaultPort: RedisURL.defaultPort)
        }
        let path = rest.prefix { $0 != "?" }
        if path.count > 1 { url.database = try database(path.dropFirst()) }
        try parameters(rest.dropFirst(path.count + 1), into: &url)
        return url
    }

    /// Takes the name and the password; answers what is behind them.
    private func user(_ authority: Substring, into url: inout RedisURL) throws(Reason) -> Substring {
        guard let at = authority.lastIndex(of: "@") else { return authority }
        let user = authority[..<at]
        let name = user.prefix { $0 != ":" }
        let password = user.dropFirst(name.count + 1)
        if !name.isEmpty { url.username = try decoded(name, "the user's name") }
        if !password.isEmpty { url.password = Secret(try decoded(password, "the password")) }
        return authority[authority.index(after: at)...]
    }

    private func database(_ digits: Substring) throws(Reason) -> Int {
        guard digits.utf8.count <= 5, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(digits) else {
            throw Reason(words: "the database, behind the /, is not a number")
        }
        return number
    }

    /// Those of redis-py that mean something here.
    private func parameters(_ query: Substring, into url: inout RedisURL) throws(Reason) {
        for parameter in query.split(separator: "&") {
            let name = parameter.prefix { $0 != "=" }
            let value = try decoded(parameter.dropFirst(name.count + 1), "the parameter \(name)")
            switch name {
            case "db": url.database = try database(value[...])
            case "username": url.username = value
            case "password": url.password = Secret(value)
            case "ssl_cert_reqs":
                switch value.lowercased() {
                case "none", "cert_none": url.verifiesServer = false
                case "optional", "required", "cert_optional", "cert_required": url.verifiesServer = true
                default: throw Reason(words: "ssl_cert_reqs is none, optional or required")
                }
            case "ssl_ca_certs": url.authorities = value
            case "ssl_certfile", "ssl_keyfile":
                throw Reason(words: "\(name) is not possible: Martlet shows servers no certificate of its own")
            default: break
            }
        }
    }

    /// - Parameter what: named when it cannot be decoded.
    private func decoded(_ text: Substring, _ what: String) throws(Reason) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let code = UInt8(String(Substring(rest.prefix(2))), radix: 16), rest.count >= 2 else {
                throw Reason(words: "\(what) has a % without two hexadecimal digits behind it: % itself is %25")
            }
            bytes.append(code)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw Reason(words: "\(what) is not UTF-8")
        }
        return decoded
    }
}
