import MartletExchange
import MartletWorkers

/// Two of what is served want one path: no client could say which of them it means.
struct PathConflict: Error, CustomStringConvertible {
    let description: String

    /// - Parameters:
    ///   - served: What apps serve.
    ///   - routes: Those of the configuration.
    /// - Throws: `PathConflict`, which names the first two of one path and method.
    static func check(_ served: [ServedAPI], against routes: [RouteConfiguration]) throws {
        for (index, api) in served.enumerated() {
            if let other = served[..<index].first(where: { $0.isServed(like: api) }) {
                throw PathConflict(api, and: "\(other.app.configuration.name) (\(other.api.path))")
            }
            if let route = routes.first(where: { $0.host == nil && $0.path == api.path }) {
                throw PathConflict(api, and: "the route `\(route.path)` of the configuration")
            }
        }
    }

    private init(_ api: ServedAPI, and other: String) {
        description =
            "two want the path \(api.path): \(api.app.configuration.name) (\(api.api.path)) and \(other);"
            + " give one of them another"
    }
}

extension ServedAPI {
    fileprivate func isServed(like other: ServedAPI) -> Bool {
        guard path == other.path, api.path == other.api.path else { return false }
        return api.methods.isEmpty || other.api.methods.isEmpty
            || !Set(api.methods).isDisjoint(with: other.api.methods)
    }
}
