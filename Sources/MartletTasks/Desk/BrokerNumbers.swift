import MartletWire

/// What Martlet's broker says of a queue: what else would have to be counted message by message.
struct BrokerNumbers: Sendable, Equatable {
    var taken = 0
    var delayed = 0
    var dead = 0
    var oldestSeconds = 0.0

    /// Reads `INFO queues`: by name, as ``shown(_:)`` has it. Empty where it is not Martlet's broker.
    static func read(_ info: String, database: Int) -> [String: BrokerNumbers] {
        var found: [String: BrokerNumbers] = [:]
        for line in info.split(whereSeparator: \.isNewline) where line.hasPrefix("queue_") {
            var fields: [Substring: Substring] = [:]
            for pair in line.drop(while: { $0 != ":" }).dropFirst().split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { fields[parts[0]] = parts[1] }
            }
            func count(_ name: Substring) -> Int { fields[name].flatMap { Int($0) } ?? 0 }
            guard let name = fields["name"], count("db") == database else { continue }
            found[String(name)] = BrokerNumbers(
                taken: count("taken"), delayed: count("delayed"), dead: count("dead"),
                oldestSeconds: Double(count("oldest_ms")) / 1000)
        }
        return found
    }

    /// A name as `INFO` has it: what would part its fields is left out.
    static func shown(_ name: String) -> String {
        String(
            name.unicodeScalars.map { $0.value < 0x20 || ",=".unicodeScalars.contains($0) ? "?" : Character($0) })
    }
}
