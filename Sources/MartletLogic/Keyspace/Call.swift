/// One command with its arguments, as its family reads them.
struct Call {
    let command: KeyspaceCommand
    let arguments: [Bytes]
    let database: Int
    /// Milliseconds since 1970.
    let now: Int64

    subscript(index: Int) -> Bytes { arguments[index] }

    var count: Int { arguments.count }
    var key: Bytes { arguments[0] }

    /// The option at this place, in lower case.
    func option(_ index: Int) -> String { arguments[index].lowercased }

    /// The argument after this one: an option's value.
    func value(after index: Int) throws(CommandRefusal) -> Bytes {
        guard index + 1 < count else { throw .syntax }
        return arguments[index + 1]
    }

    func integer(_ index: Int) throws(CommandRefusal) -> Int64 {
        guard let number = NumberText.integer(arguments[index]) else { throw .notAnInteger }
        return number
    }

    /// A number that is a place or a count. What no memory could hold stands for the most or the least there can be.
    func place(_ index: Int) throws(CommandRefusal) -> Int { Int(clamping: try integer(index)) }

    /// A number that must not be negative.
    func positive(_ index: Int, else refusal: CommandRefusal = .notPositive) throws(CommandRefusal) -> Int {
        guard let number = NumberText.integer(arguments[index]), number >= 0 else { throw refusal }
        return Int(clamping: number)
    }

    func double(_ index: Int) throws(CommandRefusal) -> Double {
        guard let number = NumberText.double(arguments[index]) else { throw .notAFloat }
        return number
    }

    var wrongArgumentCount: CommandRefusal {
        CommandRefusal("wrong number of arguments for '\(command.rawValue)' command")
    }
}

extension Bytes {
    /// In lower case, as text: options and units of commands.
    var lowercased: String { String(decoding: array.map(ASCII.lowercased), as: UTF8.self) }

    /// As text without line breaks, up to a zero byte as in Redis: a part of a refusal, which is a line.
    var oneLine: String {
        Bytes(array.prefix { $0 != 0 }.map { [0x0A, 0x0D].contains($0) ? UInt8(ascii: " ") : $0 }).text
    }
}

/// Why a command is refused, in Redis' words.
struct CommandRefusal: Error, Equatable {
    var code = "ERR"
    var text: String

    init(_ text: String) { self.text = text }

    init(code: String, _ text: String) {
        self.code = code
        self.text = text
    }

    var answer: Answer { .error(code: code, text: text) }

    static let wrongType = CommandRefusal(
        code: "WRONGTYPE", "Operation against a key holding the wrong kind of value")
    static func outOfRange(_ least: Int, _ most: Int) -> CommandRefusal {
        CommandRefusal("value is out of range, value must between \(least) and \(most)")
    }

    static let syntax = CommandRefusal("syntax error")
    static let notAnInteger = CommandRefusal("value is not an integer or out of range")
    static let notPositive = CommandRefusal("value is out of range, must be positive")
    static let notAFloat = CommandRefusal("value is not a valid float")
    static let noSuchKey = CommandRefusal("no such key")
    static let overflow = CommandRefusal("increment or decrement would overflow")
    static let notFinite = CommandRefusal("increment would produce NaN or Infinity")
    static let sameObject = CommandRefusal("source and destination objects are the same")
    static let databaseOutOfRange = CommandRefusal("DB index is out of range")
    static let indexOutOfRange = CommandRefusal("index out of range")
    static let invalidCursor = CommandRefusal("invalid cursor")
    static let tooLong = CommandRefusal("string exceeds maximum allowed size (proto-max-bulk-len)")
}
