import MartletBase

/// Token counts as a model's answer states them.
public struct TokenUsage: Sendable, Equatable {
    public var prompt: Int
    public var completion: Int
    public var total: Int

    public init(prompt: Int, completion: Int, total: Int) {
        self.prompt = prompt
        self.completion = completion
        self.total = total
    }
}

/// Reads `"usage": {…}` in passing from JSON that is fed in slices, without decoding it. The last one wins;
/// `"usage": null` and the word inside a string do not count.
///
/// It relies on the JSON being valid: an unescaped quote never stands inside a string, so `"usage"` not preceded
/// by a backslash and followed by a colon is a key. On anything else it finds nothing, or something wrong, and
/// never fails.
public struct UsageScanner: Sendable {
    private enum State {
        /// Looking for the key; so many of its bytes have matched.
        case searching(matched: Int)
        /// Behind the key: a colon, then an object must follow.
        case colon
        case value
        case object
    }

    /// `"usage"`.
    private static let key: InlineArray<7, UInt8> = [0x22, 0x75, 0x73, 0x61, 0x67, 0x65, 0x22]

    private var state = State.searching(matched: 0)
    private var previous: UInt8 = 0
    private var object = UsageObject()

    /// The last usage seen.
    public private(set) var usage: TokenUsage?

    public init() {}

    /// Reads the next slice.
    public mutating func feed(_ bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count {
            switch state {
            case .searching(matched: 0):
                index = skip(bytes, from: index)
                guard index < bytes.count else { return }
            case .object:
                index = readObject(bytes, from: index)
                continue
            default: break
            }
            step(bytes[index])
            index += 1
        }
    }

    /// Reads on in the object to its end, or the end of the slice; returns where it stopped.
    private mutating func readObject(_ bytes: Span<UInt8>, from: Int) -> Int {
        var index = from
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard object.step(byte) else { continue }
            if let found = object.usage { usage = found }
            state = .searching(matched: 0)
            previous = byte
            return index
        }
        return index
    }

    /// Goes to the next place where the key may begin: a quote before a `u`, or a quote at the end of the slice.
    @inline(__always)
    private mutating func skip(_ bytes: Span<UInt8>, from: Int) -> Int {
        let found = Word.index(of: 0x22, then: 0x75, in: bytes, from: from, to: bytes.count)
        let next = found ?? (bytes[bytes.count - 1] == 0x22 ? bytes.count - 1 : bytes.count)
        if next > from { previous = bytes[next - 1] }
        return next
    }

    private mutating func step(_ byte: UInt8) {
        switch state {
        case .searching(let matched):
            search(byte, matched: matched)
        case .colon:
            if byte == 0x3a { state = .value } else if !Self.isSpace(byte) { state = .searching(matched: 0) }
        case .value:
            if byte == 0x7b {
                object = UsageObject()
                state = .object
            } else if !Self.isSpace(byte) {
                state = .searching(matched: byte == 0x22 ? 1 : 0)
            }
        case .object: break
        }
        previous = byte
    }

    @inline(__always)
    private mutating func search(_ byte: UInt8, matched: Int) {
        if byte == Self.key[matched], matched > 0 || previous != 0x5c {
            state = matched == 6 ? .colon : .searching(matched: matched + 1)
        } else {
            state = .searching(matched: byte == 0x22 && previous != 0x5c ? 1 : 0)
        }
    }

    @inline(__always)
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }
}

/// The object behind `"usage":`, read byte by byte: its own integers, not those of objects inside it.
private struct UsageObject {
    private static let maximumCount = 1 << 48

    private var depth = 1
    private var isInString = false
    private var isEscaped = false
    /// The string so far; nil where it cannot be a name that counts.
    private var name: FNV1a?
    /// The field that the last string named, waiting for its colon and digits.
    private var named: Int?
    private var current: Int?
    private var values: InlineArray<3, Int?> = [nil, nil, nil]

    /// What was found, when there was anything. Embeddings state no completion tokens.
    var usage: TokenUsage? {
        let (prompt, completion, total) = (values[0], values[1], values[2])
        guard prompt != nil || completion != nil || total != nil else { return nil }
        let inferred = completion ?? max(0, (total ?? 0) - (prompt ?? 0))
        return TokenUsage(prompt: prompt ?? 0, completion: inferred, total: total ?? (prompt ?? 0) + inferred)
    }

    /// Takes one byte; true when the object ends with it.
    mutating func step(_ byte: UInt8) -> Bool {
        if isInString {
            stepInString(byte)
            return false
        }
        switch byte {
        case 0x22:
            (isInString, isEscaped, name) = (true, false, depth == 1 ? FNV1a() : nil)
            (named, current) = (nil, nil)
        case 0x7b, 0x5b:
            depth += 1
            (named, current) = (nil, nil)
        case 0x7d, 0x5d:
            depth -= 1
            (named, current) = (nil, nil)
        case 0x3a:
            if let named { values[named] = nil }
            current = named
            named = nil
        case 0x30...0x39:
            if let current {
                values[current] = min((values[current] ?? 0) * 10 + Int(byte &- 0x30), Self.maximumCount)
            }
        case 0x20, 0x09, 0x0a, 0x0d:
            break
        default:
            (named, current) = (nil, nil)
        }
        return depth == 0
    }

    private mutating func stepInString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
            name = nil
        } else if byte == 0x5c {
            isEscaped = true
        } else if byte == 0x22 {
            isInString = false
            named = name.flatMap { Self.place(of: $0.value) }
        } else {
            name?.add(byte)
        }
    }

    /// Where in `values` the field of this name goes.
    private static func place(of hash: UInt64) -> Int? {
        switch hash {
        case 0x0d70_0b4a_4e95_c08e: 0 // prompt_tokens
        case 0xb301_c1ed_a403_926a: 1 // completion_tokens
        case 0x0cfe_84ff_56d2_59c0: 2 // total_tokens
        default: nil
        }
    }
}
