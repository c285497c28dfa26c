import MartletWire

/// What of an input does not fit its schema, in the form that LangServe's clients read.
struct SchemaCheck {
    private(set) var problems: [JSON] = []

    /// - Parameter place: where the value is, for the reader of a problem.
    static func problems(of value: JSON, _ schema: JSON, at place: [JSON] = []) -> [JSON] {
        var check = SchemaCheck()
        check.check(value, schema, place)
        return check.problems
    }

    static func problem(_ type: String, _ place: [JSON], _ message: String, _ value: JSON) -> JSON {
        ["type": .string(type), "loc": .array(place), "msg": .string(message), "input": value]
    }

    private mutating func check(_ value: JSON, _ schema: JSON, _ place: [JSON]) {
        if case .array(let options)? = schema["anyOf"] {
            guard !options.contains(where: { Self.problems(of: value, $0).isEmpty }) else { return }
            return add("union_type", place, "Input should be of one of the expected forms", value)
        }
        if case .array(let cases)? = schema["enum"], !cases.contains(value) {
            return add("enum", place, "Input should be \(cases.map(\.words).joined(separator: ", "))", value)
        }
        guard case .string(let type)? = schema["type"] else { return }
        switch (type, value) {
        case ("object", .object(let members)): checkMembers(members, value, schema, place)
        case ("array", .array(let values)):
            for (index, one) in values.enumerated() {
                check(one, schema["items"] ?? [:], place + [.integer(Int64(index))])
            }
        case ("string", .string), ("integer", .integer), ("number", .integer), ("number", .number), ("boolean", .bool),
            ("null", .null):
            return
        case ("integer", .string):
            let message = "Input should be a valid integer, unable to parse string as an integer"
            add("int_parsing", place, message, value)
        default:
            let (kind, noun) = Self.words[type] ?? (type, type)
            add("\(kind)_type", place, "Input should be a valid \(noun)", value)
        }
    }

    private static let words = [
        "object": ("dict", "dictionary"), "array": ("list", "list"), "string": ("string", "string"),
        "integer": ("int", "integer"), "number": ("float", "number"), "boolean": ("bool", "boolean"),
    ]

    private mutating func checkMembers(_ members: Fields, _ value: JSON, _ schema: JSON, _ place: [JSON]) {
        if case .array(let required)? = schema["required"] {
            for case .string(let name) in required where members[name] == nil {
                add("missing", place + [.string(name)], "Field required", value)
            }
        }
        if case .object(let properties)? = schema["properties"] {
            for (name, one) in properties.sorted(by: { $0.key < $1.key }) {
                if let member = members[name] { check(member, one, place + [.string(name)]) }
            }
        }
        if let others = schema["additionalProperties"] {
            for (name, one) in members.sorted(by: { $0.key < $1.key }) { check(one, others, place + [.string(name)]) }
        }
    }

    private mutating func add(_ type: String, _ place: [JSON], _ message: String, _ value: JSON) {
        problems.append(Self.problem(type, place, message, value))
    }
}
