public import NIOCore

/// Reads what a client of Redis sends: commands as arrays of bulk strings, or inline as a person types them.
///
/// It takes all it can use out of the input, so the input never grows beyond one inline command. A bulk string that is
/// there as a whole is handed on as a slice of the input, which it pins; one that comes in pieces is copied once.
///
/// Stricter than Redis where no client depends on it: lengths and bulk strings must end in CRLF, numbers that are too
/// long are refused before their line ends, and an inline command with a zero byte is refused where Redis would wait.
public struct RESPCommandParser: Sendable {
    private enum State {
        case command
        /// Before the length of an argument.
        case length(argumentsLeft: Int)
        /// Inside an argument. Of its `bytes`, so many are still to come.
        case argument(bytes: Int, missing: Int, argumentsLeft: Int)
        case failed
    }

    /// Until then a client may only send short commands. Taken into account from the next command on.
    public var isAuthenticated: Bool

    private let limits: RESPLimits
    private var state = State.command
    private var held = HeldArguments()
    private var arguments: [ByteBuffer] = []
    /// The arguments of this command so far, in bytes.
    private var commandBytes = 0
    /// How much of an inline command was searched for its end.
    private var searched = 0

    public init(limits: RESPLimits = RESPLimits(), isAuthenticated: Bool = true) {
        self.limits = limits
        self.isAuthenticated = isAuthenticated
    }

    /// No command has begun, as far as the input was read.
    public var isBetweenCommands: Bool {
        if case .command = state { true } else { false }
    }

    /// Memory that a half-sent command occupies here, in bytes.
    public var heldBytes: Int { held.memoryBytes }

    /// The next command, its name first, never empty; nil until more bytes arrive. Empty commands are passed over.
    ///
    /// After an error there are no more commands.
    public mutating func next(_ input: inout ByteBuffer) throws(RESPProtocolError) -> [ByteBuffer]? {
        do throws(RESPProtocolError) {
            return try read(&input)
        } catch {
            state = .failed
            held = HeldArguments()
            arguments = []
            throw error
        }
    }

    private mutating func read(_ input: inout ByteBuffer) throws(RESPProtocolError) -> [ByteBuffer]? {
        while input.readableBytes > 0 {
            switch state {
            case .command:
                if input.readableBytesUInt8Span[0] == UInt8(ascii: "*") {
                    guard try readCount(&input) else { return nil }
                } else {
                    guard let words = try readInline(&input) else { return nil }
                    if !words.isEmpty { return words }
                }
            case .length(let left):
                guard let length = try readLength(&input) else { return hold(&input) }
                state = .argument(bytes: length, missing: length, argumentsLeft: left - 1)
            case .argument(let bytes, let missing, let left):
                guard try readArgument(&input, bytes: bytes, missing: missing) else { return hold(&input) }
                if left == 0 { return takeCommand() }
                state = .length(argumentsLeft: left)
            case .failed: return nil
            }
        }
        return hold(&input)
    }

    private mutating func takeCommand() -> [ByteBuffer] {
        defer { arguments = [] }
        state = .command
        return held.isEmpty ? arguments : held.takeAll() + arguments
    }

    /// The input has no more: what was taken from it must not depend on it any longer.
    private mutating func hold(_ input: inout ByteBuffer) -> [ByteBuffer]? {
        for argument in arguments { held.append(argument) }
        arguments = []
        if case .argument(let bytes, let missing, let left) = state {
            let taken = held.take(upTo: missing, from: &input)
            state = .argument(bytes: bytes, missing: missing - taken, argumentsLeft: left)
        }
        return nil
    }

    // MARK: Arrays of bulk strings

    /// False: the line is not complete.
    private mutating func readCount(_ input: inout ByteBuffer) throws(RESPProtocolError) -> Bool {
        guard let count = try Self.readNumber(&input, else: "invalid multibulk length") else { return false }
        guard count <= limits.arguments else { throw RESPProtocolError("invalid multibulk length") }
        guard isAuthenticated || count <= limits.argumentsBeforeAuthentication else {
            throw RESPProtocolError("unauthenticated multibulk length")
        }
        commandBytes = 0
        if count > 0 { state = .length(argumentsLeft: Int(count)) }
        return true
    }

    private mutating func readLength(_ input: inout ByteBuffer) throws(RESPProtocolError) -> Int? {
        let first = input.readableBytesUInt8Span[0]
        guard first == UInt8(ascii: "$") else {
            throw RESPProtocolError("expected '$', got '\(Self.printable(first))'")
        }
        guard let length = try Self.readNumber(&input, else: "invalid bulk length") else { return nil }
        guard 0...Int64(limits.bulkBytes) ~= length else { throw RESPProtocolError("invalid bulk length") }
        guard isAuthenticated || length <= limits.bulkBytesBeforeAuthentication else {
            throw RESPProtocolError("unauthenticated bulk length")
        }
        commandBytes += Int(length)
        guard commandBytes <= limits.commandBytes else { throw RESPProtocolError("too big command") }
        return Int(length)
    }

    /// False: it is not complete.
    private mutating func readArgument(
        _ input: inout ByteBuffer, bytes: Int, missing: Int
    ) throws(RESPProtocolError) -> Bool {
        guard input.readableBytes >= missing + 2 else { return false }
        guard input.getInteger(at: input.readerIndex + missing) == UInt16(0x0d0a) else {
            throw RESPProtocolError("expected CRLF after a bulk")
        }
        if missing == bytes {
            // An empty slice would pin the input for nothing.
            arguments.append(bytes > 0 ? input.readSlice(length: bytes) ?? ByteBuffer() : ByteBuffer())
        } else {
            _ = held.take(upTo: missing, from: &input)
            held.endArgument()
        }
        input.moveReaderIndex(forwardBy: 2)
        return true
    }

    /// The number behind the first byte of a line; nil: the line is not complete.
    private static func readNumber(
        _ input: inout ByteBuffer, else reason: String
    ) throws(RESPProtocolError) -> Int64? {
        switch number(input.readableBytesUInt8Span) {
        case .incomplete: return nil
        case .invalid: throw RESPProtocolError(reason)
        case .complete(let value, let bytes):
            input.moveReaderIndex(forwardBy: bytes)
            return value
        }
    }

    private enum NumberLine {
        case incomplete, invalid
        /// With the bytes of the whole line.
        case complete(Int64, bytes: Int)
    }

    private static func number(_ bytes: Span<UInt8>) -> NumberLine {
        let end = min(bytes.count, 1 + RESPInteger.maximumBytes + 1)
        guard let lineEnd = Word.index(of: Characters.carriageReturn, in: bytes, from: 1, to: end) else {
            return bytes.count > 1 + RESPInteger.maximumBytes ? .invalid : .incomplete
        }
        guard lineEnd + 1 < bytes.count else { return .incomplete }
        guard bytes[lineEnd + 1] == Characters.lineFeed, let value = RESPInteger.parse(bytes, 1..<lineEnd) else {
            return .invalid
        }
        return .complete(value, bytes: lineEnd + 2)
    }

    private static func printable(_ byte: UInt8) -> Character {
        switch byte {
        // What Redis makes of the two that would end the error's line.
        case Characters.carriageReturn, Characters.lineFeed: " "
        case 0x20..<0x7f: Character(Unicode.Scalar(byte))
        default: "?"
        }
    }

    // MARK: Inline commands

    /// The words of a line, perhaps none; nil: it is not complete.
    private mutating func readInline(_ input: inout ByteBuffer) throws(RESPProtocolError) -> [ByteBuffer]? {
        let end = min(input.readableBytes, limits.inlineBytes + 1)
        guard
            let lineEnd = Word.index(of: Characters.lineFeed, in: input.readableBytesUInt8Span, from: searched, to: end)
        else {
            guard input.readableBytes <= limits.inlineBytes else { throw RESPProtocolError("too big inline request") }
            searched = end
            return nil
        }
        searched = 0
        guard Word.index(of: 0, in: input.readableBytesUInt8Span, from: 0, to: lineEnd) == nil else {
            throw RESPProtocolError("zero byte in inline request")
        }
        guard let words = RESPInlineCommand.words(input.readableBytesUInt8Span.extracting(0..<lineEnd)) else {
            throw RESPProtocolError("unbalanced quotes in request")
        }
        guard isAuthenticated || words.count <= limits.argumentsBeforeAuthentication else {
            throw RESPProtocolError("unauthenticated multibulk length")
        }
        input.moveReaderIndex(forwardBy: lineEnd + 1)
        return words
    }
}
