package import Logging

/// Every key a log line can carry beside its message: one list, so that one thing has one name everywhere.
package enum LogKey: String, CaseIterable, Sendable {
    // Where
    case address, file, line, listener, path, url
    // Who
    case backend, client, instance, model, pid, pool, route, target, version
    case requestID = "request_id"
    // What happened
    case attempt, attempts, cause, code, count, event, failure, machine, operation, outcome, signal, state, status
    case bytes, commit, limit, priority, seconds, stream, text
    case exitCode = "exit_code"
}

/// Log lines with a constant message and keys from the list: `logger.info("target is down", [.pool: pool])`. What
/// varies goes into a field, so that lines can be counted by their message.
extension Logger {
    package typealias Fields = KeyValuePairs<LogKey, String>

    package func debug(_ message: StaticString, _ fields: @autoclosure () -> Fields) {
        log(.debug, message, fields)
    }

    package func info(_ message: StaticString, _ fields: @autoclosure () -> Fields) {
        log(.info, message, fields)
    }

    package func notice(_ message: StaticString, _ fields: @autoclosure () -> Fields) {
        log(.notice, message, fields)
    }

    package func warning(_ message: StaticString, _ fields: @autoclosure () -> Fields) {
        log(.warning, message, fields)
    }

    package func error(_ message: StaticString, _ fields: @autoclosure () -> Fields) {
        log(.error, message, fields)
    }

    private func log(_ level: Level, _ message: StaticString, _ fields: () -> Fields) {
        guard level >= logLevel else { return }
        var metadata: Metadata = [:]
        for (key, value) in fields() {
            metadata[key.rawValue] = .string(value)
        }
        log(level: level, "\(message)", metadata: metadata)
    }
}
