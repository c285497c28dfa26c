import MartletBase

/// What routing needs to know from the body of a model API call.
public struct PeekedModel: Sendable, Equatable {
    /// The top-level `model`; nil when there is none, or `null`.
    public var model: String?
    /// Where the value of `model` lies in the whole body, its quotes included, so that it can be replaced.
    public var modelRange: Range<Int>?
    /// The top-level `stream` is `true`.
    public var isStream: Bool
    /// One of the top-level `tools` is, or has, a `file_search`.
    public var searchesFiles = false
}

/// Finds the top-level `model` and `stream` of a JSON object that arrives in slices, without decoding the body.
///
/// What two JSON readers could take differently is refused with `invalid_body`: duplicate or escaped top-level keys,
/// control characters in strings, brackets that do not match, anything behind the object. Inside nested values only
/// strings and brackets are followed; their grammar is the upstream's business.
public struct ModelPeek: Sendable {
    /// Nesting beyond this is refused.
    public static let maximumDepth = 64
    /// More top-level keys than this are refused.
    public static let maximumKeys = 256
    /// A longer model name is refused, in bytes as sent.
    public static let maximumModelBytes = 512

    private enum State {
        case start
        /// Behind `{`: a key or `}`.
        case firstKey
        /// Behind a comma: a key.
        case key
        case inKey
        case colon
        /// A top-level value comes.
        case value
        /// In a string at any depth, or behind a backslash in it.
        case string, stringEscape
        /// In a top-level number or literal.
        case scalar
        /// Inside a nested array or object, outside strings.
        case nested
        /// Behind a top-level value: a comma or `}`.
        case afterValue
        case end
    }

    private enum Key {
        case other, model, stream, tools
    }

    private var state = State.start
    /// Bytes read before the current slice.
    private var consumed = 0
    /// Brackets that are open below the top-level object; one bit each, set for an object.
    private var depth = 0
    private var kinds: UInt64 = 0

    private var keyHash = FNV1a()
    private var keyWord: UInt64 = 0
    private var keyLength = 0
    private var seenKeys: [UInt64] = []
    private var currentKey = Key.other

    private var modelStart: Int?
    private var modelRange: Range<Int>?
    private var modelBytes: [UInt8] = []
    private var scalarWord: UInt64 = 0
    private var scalarLength = 0
    private var isStream = false
    /// Of the string of a tool that is being read.
    private var toolHash = FNV1a()
    private var searchesFiles = false
    private static let fileSearch = FNV1a.of("file_search")

    public init() {}

    /// The object is complete; only blanks may follow.
    public var isAtEnd: Bool { state == .end }

    /// Reads the next slice of the body.
    public mutating func feed(_ bytes: Span<UInt8>) throws(WireError) {
        var index = 0
        while index < bytes.count {
            switch state {
            case .string:
                index = try readString(bytes, from: index)
            case .nested:
                index = try readNested(bytes, from: index)
            default:
                try step(bytes[index], at: consumed + index)
                index += 1
            }
        }
        consumed += bytes.count
    }

    /// The body is complete.
    public func finish() throws(WireError) -> PeekedModel {
        guard state == .end else { throw WireError(.invalidBody, "body is not a complete JSON object") }
        guard let modelRange else {
            return PeekedModel(model: nil, modelRange: nil, isStream: isStream, searchesFiles: searchesFiles)
        }
        guard let model = JSONString.decode(modelBytes[...]) else {
            throw WireError(.invalidBody, "model is not a valid string")
        }
        return PeekedModel(
            model: model, modelRange: modelRange, isStream: isStream, searchesFiles: searchesFiles)
    }

    // MARK: Top level

    private mutating func step(_ byte: UInt8, at offset: Int) throws(WireError) {
        switch state {
        case .inKey: return try readKey(byte)
        case .stringEscape: return try readEscaped(byte)
        case .scalar where Self.isScalar(byte): return try readScalar(byte)
        case .scalar:
            try endScalar()
        default: break
        }
        if Self.isSpace(byte) { return }
        switch (state, byte) {
        case (.start, 0x7b): state = .firstKey
        case (.start, _): throw WireError(.invalidBody, "body is not a JSON object")
        case (.firstKey, 0x7d), (.afterValue, 0x7d): state = .end
        case (.firstKey, 0x22), (.key, 0x22):
            (state, keyHash, keyWord, keyLength) = (.inKey, FNV1a(), 0, 0)
        case (.colon, 0x3a): state = .value
        case (.value, _): try startValue(byte, at: offset)
        case (.afterValue, 0x2c): state = .key
        case (.end, _): throw WireError(.invalidBody, "bytes behind the JSON object")
        default: throw WireError(.invalidBody, "body is not valid JSON")
        }
    }

    private mutating func readKey(_ byte: UInt8) throws(WireError) {
        switch byte {
        case 0x22: try endKey()
        case 0x5c: throw WireError(.invalidBody, "escaped top-level key")
        case 0..<0x20: throw WireError(.invalidBody, "control character in a key")
        default:
            // A collision refuses a body, and never lets a duplicate pass.
            keyHash.add(byte)
            keyWord = keyWord << 8 | UInt64(byte)
            keyLength &+= 1
        }
    }

    private mutating func endKey() throws(WireError) {
        guard !seenKeys.contains(keyHash.value) else { throw WireError(.invalidBody, "duplicate top-level key") }
        guard seenKeys.count < Self.maximumKeys else { throw WireError(.invalidBody, "too many top-level keys") }
        seenKeys.append(keyHash.value)
        switch (keyLength, keyWord) {
        case (5, 0x6d_6f64_656c): currentKey = .model
        case (6, 0x7374_7265_616d): currentKey = .stream
        case (5, 0x74_6f6f_6c73): currentKey = .tools
        default: currentKey = .other
        }
        state = .colon
    }

    private mutating func startValue(_ byte: UInt8, at offset: Int) throws(WireError) {
        if currentKey == .stream && (byte == 0x22 || byte == 0x7b || byte == 0x5b) {
            throw WireError(.invalidBody, "stream is not true or false")
        }
        if currentKey == .model && byte != 0x22 && byte != 0x6e {
            throw WireError(.invalidBody, "model is not a string")
        }
        switch byte {
        case 0x22:
            if currentKey == .model { modelStart = offset }
            state = .string
        case 0x7b, 0x5b:
            try open(byte)
        default:
            guard Self.isScalar(byte) else { throw WireError(.invalidBody, "body is not valid JSON") }
            (state, scalarWord, scalarLength) = (.scalar, UInt64(byte), 1)
        }
    }

    private mutating func readScalar(_ byte: UInt8) throws(WireError) {
        scalarWord = scalarWord << 8 | UInt64(byte)
        scalarLength &+= 1
    }

    private mutating func endScalar() throws(WireError) {
        state = .afterValue
        let isNull = scalarLength == 4 && scalarWord == 0x6e75_6c6c
        switch currentKey {
        case .other, .tools: break
        case .model:
            guard isNull else { throw WireError(.invalidBody, "model is not a string") }
        case .stream:
            isStream = scalarLength == 4 && scalarWord == 0x7472_7565
            guard isStream || isNull || (scalarLength == 5 && scalarWord == 0x66_616c_7365) else {
                throw WireError(.invalidBody, "stream is not true or false")
            }
        }
    }

    // MARK: Strings and nesting

    /// Reads on in a string to its end, or the end of the slice; returns where it stopped.
    private mutating func readString(_ bytes: Span<UInt8>, from: Int) throws(WireError) -> Int {
        let end = Self.stringEvent(bytes, from: from)
        if modelStart != nil {
            guard modelBytes.count + (end - from) <= Self.maximumModelBytes else {
                throw WireError(.invalidBody, "model name too long")
            }
            for index in from..<end { modelBytes.append(bytes[index]) }
        }
        if isInTool { for index in from..<end { toolHash.add(bytes[index]) } }
        guard end < bytes.count else { return end }
        switch bytes[end] {
        case 0x22:
            if isInTool, toolHash.value == Self.fileSearch { searchesFiles = true }
            if let start = modelStart {
                modelRange = start..<consumed + end + 1
                modelStart = nil
            }
            state = depth == 0 ? .afterValue : .nested
        case 0x5c:
            if modelStart != nil { modelBytes.append(0x5c) }
            state = .stringEscape
        default:
            throw WireError(.invalidBody, "control character in a string")
        }
        return end + 1
    }

    /// The byte behind a backslash. What follows `\u` are plain characters here.
    private mutating func readEscaped(_ byte: UInt8) throws(WireError) {
        switch byte {
        case 0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74, 0x75: break
        default: throw WireError(.invalidBody, "invalid escape in a string")
        }
        if modelStart != nil { modelBytes.append(byte) }
        state = .string
    }

    /// Reads on outside strings inside a nested value; returns where it stopped.
    private mutating func readNested(_ bytes: Span<UInt8>, from: Int) throws(WireError) -> Int {
        var index = from
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case 0x22:
                state = .string
                if isInTool { toolHash = FNV1a() }
                return index
            case 0x7b, 0x5b:
                try open(byte)
            case 0x7d, 0x5d:
                guard (kinds & 1 == 1) == (byte == 0x7d) else { throw WireError(.invalidBody, "brackets do not match") }
                kinds >>= 1
                depth -= 1
                if depth == 0 {
                    state = .afterValue
                    return index
                }
            case 0x2c, 0x3a: break
            default:
                guard Self.isScalar(byte) || Self.isSpace(byte) else {
                    throw WireError(.invalidBody, "body is not valid JSON")
                }
            }
        }
        return index
    }

    private mutating func open(_ byte: UInt8) throws(WireError) {
        // The top-level object counts as one.
        guard depth + 1 < Self.maximumDepth else { throw WireError(.invalidBody, "JSON nested too deeply") }
        kinds = kinds << 1 | (byte == 0x7b ? 1 : 0)
        depth += 1
        state = .nested
    }

    /// Directly in an object of the list of tools.
    private var isInTool: Bool { currentKey == .tools && depth == 2 && kinds & 3 == 1 }

    // MARK: Bytes

    @inline(__always)
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    /// Letters, digits, `+`, `-` and `.`: what numbers and literals are made of.
    @inline(__always)
    private static func isScalar(_ byte: UInt8) -> Bool {
        Characters.scalar.contains(byte)
    }

    /// The next quote, backslash or control character.
    @inline(__always)
    private static func stringEvent(_ bytes: Span<UInt8>, from: Int) -> Int {
        var index = from
        while index + Word.width <= bytes.count {
            let word = Word.load(bytes, at: index)
            let mask = Word.matches(word, 0x22) | Word.matches(word, 0x5c) | Word.below(word, 0x20)
            if mask != 0 { return index + Word.first(mask) }
            index += Word.width
        }
        while index < bytes.count, bytes[index] != 0x22, bytes[index] != 0x5c, bytes[index] >= 0x20 { index += 1 }
        return index
    }
}
