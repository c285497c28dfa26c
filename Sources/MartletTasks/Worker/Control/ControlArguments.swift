import MartletWire

/// What a command of remote control answers when it was not carried out: Python's `repr` of an exception, which is
/// what Celery's clients show.
struct ControlRefusal: Error, Equatable {
    var text: String

    static func key(_ name: String) -> ControlRefusal { ControlRefusal(text: "KeyError('\(name)')") }
    static func value(_ text: String) -> ControlRefusal { ControlRefusal(text: "ValueError('\(text)')") }

    static func missing(_ argument: String, of command: String) -> ControlRefusal {
        ControlRefusal(text: "TypeError(\"\(command)() missing 1 required positional argument: '\(argument)'\")")
    }
}

/// The arguments of a command, read as leniently as Celery's own commands read them.
struct ControlArguments {
    let command: String
    private let members: [String: JSONValue]

    init(_ arguments: JSONValue, of command: String) {
        self.command = command
        members = if case .object(let members) = arguments { members } else { [:] }
    }

    subscript(_ name: String) -> JSONValue? { members[name] }

    func text(_ name: String) -> String? {
        switch members[name] {
        case .string(let text): text
        case .integer(let number): String(number)
        default: nil
        }
    }

    func needed(_ name: String) throws(ControlRefusal) -> String {
        guard let text = text(name) else { throw .missing(name, of: command) }
        return text
    }

    /// Whole numbers also as text, as a command line gives them.
    func integer(_ name: String) -> Int? {
        switch members[name] {
        case .integer(let number): Int(exactly: number)
        case .number(let number): Int(exactly: number.rounded())
        case .string(let text): Int(text)
        default: nil
        }
    }

    func number(_ name: String) -> Double? {
        switch members[name] {
        case .integer(let number): Double(number)
        case .number(let number): number
        case .string(let text): Double(text)
        default: nil
        }
    }

    func flag(_ name: String) -> Bool {
        switch members[name] {
        case .bool(let flag): flag
        case .integer(let number): number != 0
        case .string(let text): ["1", "true", "yes", "on"].contains(text.lowercased())
        default: false
        }
    }

    /// One text or a list of them; nil: the argument is not there.
    func texts(_ name: String) -> [String]? {
        guard let value = members[name], value != .null else { return nil }
        return Self.texts(value)
    }

    static func texts(_ value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .integer(let number): [String(number)]
        case .array(let values): values.flatMap(texts)
        default: []
        }
    }

    /// `{"header": ["value"]}`, or `["header=value"]`.
    func stamps(_ name: String) -> [String: [String]] {
        switch members[name] {
        case .object(let headers): return headers.mapValues(Self.texts)
        case .array(let values):
            let pairs = values.flatMap(Self.texts).map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
            return Dictionary(grouping: pairs.filter { $0.count == 2 }) { $0[0] }.mapValues { $0.map { $0[1] } }
        default: return [:]
        }
    }
}
