/// Refusals, in Redis' words where clients look for them. What this broker does not do says what to do instead.
enum BrokerRefusal {
    static let remedy = "Martlet's broker has the commands that task queues need; for others, use a Redis server"

    static func unknown(_ name: Bytes) -> Answer {
        error("unknown command '\(shown(name))': \(remedy)")
    }

    static func unknownSubcommand(_ name: Bytes, of command: String) -> Answer {
        error("unknown subcommand '\(shown(name))' of '\(command)': \(remedy)")
    }

    static func wrongCount(_ command: String) -> Answer {
        error("wrong number of arguments for '\(command)' command")
    }

    static let notInteger = error("value is not an integer or out of range")
    static let syntax = error("syntax error")
    static let noAuth = Answer.error(code: "NOAUTH", text: "Authentication required.")
    static let wrongPassword = Answer.error(
        code: "WRONGPASS", text: "invalid username-password pair or user is disabled.")
    static let notInTransaction = error("Command not allowed inside a transaction")
    static let execAbort = Answer.error(
        code: "EXECABORT", text: "Transaction discarded because of previous errors.")
    static let outOfMemory = Answer.error(
        code: "OOM",
        text: "command not allowed when used memory > 'maxmemory': let workers catch up, or start the broker with more")
    static let noScript = Answer.error(code: "NOSCRIPT", text: "No matching script. Please use EVAL.")
    static let unknownScript = error(
        "Martlet's broker runs the scripts of Celery, redis-py, KEDA and Martlet only, and this is another one; "
            + "for others, use a Redis server")

    /// What runs natively must be the same on both sides: whoever is told this is told which one to upgrade.
    static func unknownScript(_ text: Bytes) -> Answer {
        guard let theirs = ScriptHeader(text: text) else { return unknownScript }
        let ours = OwnScript(rawValue: theirs.name)?.version
        let remedy =
            switch ours {
            case let ours? where ours > theirs.version: "the worker is older than the broker: upgrade the worker"
            case theirs.version?: "worker and broker are two builds of one version: run both from the same one"
            default: "the worker is newer than the broker: upgrade the broker"
            }
        let here = ours.map { "\($0)" } ?? "none"
        return .error(
            code: "OTHERVERSION",
            text: "\(remedy) (script \(shown(Bytes(theirs.name))): \(theirs.version) there, \(here) here)")
    }

    static func message(_ queue: Bytes, _ flaw: String) -> Answer {
        error("no message for the queue '\(shown(queue))': \(flaw)")
    }

    static func error(_ text: String) -> Answer { .error(code: "ERR", text: text) }

    /// What a client sent, cut and made one line.
    private static func shown(_ bytes: Bytes) -> String {
        String(decoding: bytes.array.prefix(64).map { $0 >= 0x20 && $0 != 0x7f ? $0 : 0x3f }, as: UTF8.self)
    }
}
