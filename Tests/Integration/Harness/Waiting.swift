import Foundation
import Testing

/// Something that a test waited for did not come.
struct WaitedInVain: Error, CustomStringConvertible {
    let what: String
    let explanation: String
    var description: String { "waited in vain for \(what). \(explanation)" }
}

/// Returns as soon as `condition` holds; throws when `limit` passes first.
func until(
    _ what: String, within limit: Duration = .seconds(5), explain: () async throws -> String = { "" },
    condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else {
            throw WaitedInVain(what: what, explanation: (try? await explain()) ?? "")
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// How long `work` took, with what it returned.
func timed<Value>(_ work: () async throws -> Value) async rethrows -> (value: Value, time: Duration) {
    let start = ContinuousClock.now
    let value = try await work()
    return (value, ContinuousClock.now - start)
}

/// Whether a process has ended. A dead child of a dead parent may stay in the table of processes where nobody collects
/// it.
func isGone(_ process: Int32) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return true }
    return text[(text.lastIndex(of: ")") ?? text.startIndex)...].hasPrefix(") Z")
}
