import MartletWire

/// Which runs within a run a client wants to hear of.
struct RunFilter: Sendable {
    private struct Choice: Sendable {
        let names: [String]?
        let types: [String]?
        let tags: [String]?

        init(_ body: JSON, _ verb: String) throws {
            func list(_ what: String) throws -> [String]? {
                let name = "\(verb)_\(what)"
                let value = body[name] ?? .null
                if value == .null { return nil }
                guard let list = try? value.decoded(as: [String].self) else {
                    throw HTTPError.wrong(
                        "list_type", [.string(name)], "Input should be a valid list of strings", value)
                }
                return list
            }
            names = try list("names")
            types = try list("types")
            tags = try list("tags")
        }

        var isNone: Bool { names == nil && types == nil && tags == nil }

        func matches(_ run: Run, _ type: String) -> Bool {
            names?.contains(run.name) == true || types?.contains(type) == true
                || tags?.contains(where: run.tags.contains) == true
        }
    }

    private let included: Choice
    private let excluded: Choice

    /// Throws 422.
    init(_ body: JSON) throws {
        included = try Choice(body, "include")
        excluded = try Choice(body, "exclude")
    }

    /// - Parameter type: What the run's kind is called in that stream.
    func takes(_ run: Run, _ type: String) -> Bool {
        (included.isNone || included.matches(run, type)) && !excluded.matches(run, type)
    }
}
