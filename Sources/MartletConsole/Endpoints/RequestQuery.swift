import Foundation
package import MartletBase
package import MartletExchange
package import MartletLogic
import MartletWire

/// What follows `?` in a request, decoded.
package struct RequestQuery {
    private let fields: [String: String]

    /// - Throws: `bad_request` where a part of it cannot be decoded, is there twice, or is none of `known`.
    package init(_ request: LocalRequest, knows known: Set<String>) throws(MartletError) {
        var fields: [String: String] = [:]
        for part in request.query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = String(pair[0]).decodedQuery,
                let value = String(pair.count > 1 ? pair[1] : "").decodedQuery
            else { throw MartletError(.badRequest, cause: "the query is not percent-encoded UTF-8") }
            guard known.contains(name) else {
                throw MartletError(.badRequest, cause: "`\(name.prefix(64))` is no parameter of this path")
            }
            guard fields.updateValue(value, forKey: name) == nil else {
                throw MartletError(.badRequest, cause: "`\(name)` is there twice")
            }
        }
        self.fields = fields
    }

    /// nil: it is not there, or empty.
    package func text(_ name: String) -> String? { fields[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// - Throws: `bad_request` where it is no such number.
    package func count(_ name: String, in range: ClosedRange<Int>, or usual: Int) throws(MartletError) -> Int {
        guard let text = text(name) else { return usual }
        guard let count = Int(text), range.contains(count) else {
            throw MartletError(
                .badRequest, cause: "`\(name)` is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return count
    }

    package func flag(_ name: String, or usual: Bool) throws(MartletError) -> Bool {
        switch text(name) {
        case nil: usual
        case "true", "1": true
        case "false", "0": false
        default: throw MartletError(.badRequest, cause: "`\(name)` is neither true nor false")
        }
    }

    /// Such as `30s`, or a number of seconds.
    package func duration(_ name: String, upTo limit: Duration) throws(MartletError) -> Duration? {
        guard let text = text(name) else { return nil }
        guard let duration = Duration(textOrSeconds: text) else {
            throw MartletError(.badRequest, cause: "`\(name)` is no time such as 30s")
        }
        return min(duration, limit)
    }

    /// Such as `2026-11-22T08:00:00Z`, or `24h` for so long ago; in seconds since 1970.
    package func time(_ name: String) throws(MartletError) -> Double? {
        guard let text = text(name) else { return nil }
        if let duration = Duration(text: text) { return Date().timeIntervalSince1970 - duration.inSeconds }
        guard let milliseconds = CeleryTime.milliseconds(text) else {
            throw MartletError(
                .badRequest, cause: "`\(name)` is neither a time such as 2026-11-22T08:00:00Z nor one such as 24h")
        }
        return Double(milliseconds) / 1000
    }

    /// Which tasks: `state`, `name`, `queue`, `worker`, `search`, `since` and `until`.
    package func taskFilter() throws(MartletError) -> TaskFilter {
        var filter = TaskFilter(
            state: text("state")?.uppercased(), name: text("name"), queue: text("queue"), worker: text("worker"))
        filter.text = text("search")
        filter.from = try time("since")
        filter.until = try time("until")
        return filter
    }
}

extension String {
    fileprivate var decodedQuery: String? {
        String(map { $0 == "+" ? " " : $0 }).removingPercentEncoding
    }
}

extension LocalRequest {
    /// What stands between slashes after `prefix` in its path, decoded.
    ///
    /// - Throws: `not_found` where that is not UTF-8.
    package func parts(after prefix: String) throws(MartletError) -> [String] {
        var parts: [String] = []
        for part in path.dropFirst(prefix.count).split(separator: "/") {
            guard let text = String(part).removingPercentEncoding, !text.isEmpty else { throw MartletError(.notFound) }
            parts.append(text)
        }
        return parts
    }
}
