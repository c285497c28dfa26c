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

    static func message(_ queue: Bytes, _ flaw: String) -> Answer {
        error("no message for the queue '\(shown(queue))': \(flaw)")
    }

    static func error(_ text: String) -> Answer { .error(code: "ERR", text: text) }

    /// What a client sent, cut and made one line.
    private static func shown(_ bytes: Bytes) -> String {
        String(decoding: bytes.array.prefix(64).map { $0 >= 0x20 && $0 != 0x7f ? $0 : 0x3f }, as: UTF8.self)
    }
}
