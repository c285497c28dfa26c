/// A server refused a command.
package struct RedisError: Error, Sendable, Hashable, CustomStringConvertible {
    /// By which errors are told apart, such as `ERR`, `WRONGTYPE` or `NOSCRIPT`.
    package var code: String
    /// The rest, in the server's words.
    package var text: String

    package init(code: String, text: String) {
        self.code = code
        self.text = text
    }

    /// A whole error reply.
    package init(reply: String) {
        code = String(reply.prefix { $0 != " " })
        text = String(reply.dropFirst(code.count + 1))
    }

    /// The name or the password is wrong or missing: trying again does not help.
    package var isDenial: Bool { ["NOAUTH", "WRONGPASS", "NOPERM"].contains(code) }

    /// Martlet's broker is of another version than this client: trying again helps once somebody upgraded one of them.
    package var isOtherVersion: Bool { code == "OTHERVERSION" }

    package var description: String { text.isEmpty ? code : "\(code) \(text)" }
}
