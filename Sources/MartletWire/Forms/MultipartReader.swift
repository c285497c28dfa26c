public import NIOCore

/// Reads a multipart form (RFC 7578) as its bytes come, part by part, whatever its size: only a part's head is held.
///
/// The caller appends what comes to a buffer and calls ``next(_:)`` until it asks for more.
public struct MultipartReader: Sendable {
    public enum Step: Sendable, Equatable {
        /// A part begins; its bytes follow, then `partEnd`.
        case part(FormPart)
        case bytes(ByteBuffer)
        case partEnd
        /// The form is over: what follows means nothing.
        case end
        case needMore
    }

    private enum State {
        case preamble, afterMark, head, content, over
    }

    /// What stands between parts: a line's end, two dashes and the boundary.
    private let mark: [UInt8]
    private let limits: MultipartLimits
    private var state = State.preamble
    private var isBegun = false
    private var parts = 0
    private var skipped = 0
    /// Bytes of a head that were looked at.
    private var looked = 0

    /// - Parameter boundary: As `Content-Type` says it.
    /// - Throws: `malformed` where it is none of 1 to 70 visible characters.
    public init(boundary: String, limits: MultipartLimits = MultipartLimits()) throws {
        guard (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw MultipartFlaw.malformed("the boundary is not 1 to 70 visible characters")
        }
        mark = Array("\r\n--\(boundary)".utf8)
        self.limits = limits
    }

    /// The form that `Content-Type` announces; nil: it announces none.
    public init?(contentType: String, limits: MultipartLimits = MultipartLimits()) throws {
        let type = MediaType(contentType)
        guard type.name == "multipart/form-data" else { return nil }
        guard let boundary = type.parameters["boundary"] else {
            throw MultipartFlaw.malformed("the form names no boundary")
        }
        try self.init(boundary: boundary, limits: limits)
    }

    /// Takes the next step off the front of `input`; `needMore`: whatever is left there is needed again.
    public mutating func next(_ input: inout ByteBuffer) throws -> Step {
        while true {
            switch state {
            case .preamble:
                guard passPreamble(&input) else {
                    guard skipped <= limits.preambleBytes else { throw MultipartFlaw.malformed("no part begins") }
                    return .needMore
                }
                state = .afterMark
            case .afterMark:
                guard let ending = try passMarkEnd(&input) else { return .needMore }
                state = ending == .last ? .over : .head
            case .head:
                guard let part = try readHead(&input) else { return .needMore }
                state = .content
                return .part(part)
            case .content:
                let step = readContent(&input)
                if step == .partEnd { state = .afterMark }
                return step
            case .over:
                input.moveReaderIndex(to: input.writerIndex)
                return .end
            }
        }
    }

    /// The body is over.
    ///
    /// - Throws: `malformed` where the form is not.
    public func finish() throws(MultipartFlaw) {
        guard state == .over else { throw .malformed("the form is not complete") }
    }

    // MARK: Between parts

    /// Drops what stands before the first mark.
    private mutating func passPreamble(_ input: inout ByteBuffer) -> Bool {
        guard input.readableBytes > 0 else { return false }
        if !isBegun {
            // The first mark need not stand on a line of its own: it is given one.
            isBegun = true
            var whole = ByteBuffer(string: "\r\n")
            whole.writeImmutableBuffer(input)
            input = whole
        }
        let found = find(in: input)
        let passed = found.map { $0.isWhole ? $0.index + mark.count : $0.index } ?? input.readableBytes
        skipped += passed
        input.moveReaderIndex(forwardBy: passed)
        return found?.isWhole == true
    }

    private enum MarkEnd {
        case next, last
    }

    /// Two dashes after the last mark; blanks and a line's end after the others. nil: not there yet.
    private func passMarkEnd(_ input: inout ByteBuffer) throws(MultipartFlaw) -> MarkEnd? {
        guard let (ending, length) = try markEnd(input.readableBytesUInt8Span) else { return nil }
        input.moveReaderIndex(forwardBy: length)
        return ending
    }

    private func markEnd(_ bytes: Span<UInt8>) throws(MultipartFlaw) -> (MarkEnd, length: Int)? {
        guard bytes.count >= 2 else { return nil }
        if bytes[0] == 0x2d, bytes[1] == 0x2d { return (.last, 2) }
        var index = 0
        while index < bytes.count, Characters.isBlank(bytes[index]) { index += 1 }
        guard index <= limits.headBytes else { throw .tooLarge("a mark of the form has too many blanks") }
        guard index + 1 < bytes.count else { return nil }
        guard bytes[index] == Characters.carriageReturn, bytes[index + 1] == Characters.lineFeed else {
            throw .malformed("a mark of the form stands in the middle of a line")
        }
        return (.next, index + 2)
    }

    // MARK: Parts

    private mutating func readHead(_ input: inout ByteBuffer) throws(MultipartFlaw) -> FormPart? {
        guard let length = headLength(input) else {
            guard input.readableBytes <= limits.headBytes else { throw .tooLarge("a part's head is too long") }
            return nil
        }
        guard length <= limits.headBytes else { throw .tooLarge("a part's head is too long") }
        looked = 0
        parts += 1
        guard parts <= limits.parts else { throw .tooLarge("the form has more than \(limits.parts) parts") }
        let lines = input.readString(length: length) ?? ""
        guard let part = FormPart(head: lines) else { throw .malformed("a part of the form has no name") }
        return part
    }

    /// With the empty line at its end.
    private mutating func headLength(_ input: ByteBuffer) -> Int? {
        let bytes = input.readableBytesUInt8Span
        var index = max(looked, 1)
        while index < bytes.count {
            if bytes[index] == Characters.lineFeed, bytes[index - 1] == Characters.carriageReturn,
                index == 1 || index >= 3 && bytes[index - 2] == Characters.lineFeed
                    && bytes[index - 3] == Characters.carriageReturn
            {
                return index + 1
            }
            index += 1
        }
        looked = index
        return nil
    }

    private func readContent(_ input: inout ByteBuffer) -> Step {
        let found = find(in: input)
        if let found, found.isWhole, found.index == 0 {
            input.moveReaderIndex(forwardBy: mark.count)
            return .partEnd
        }
        // What may be the beginning of a mark waits for the rest.
        let count = found?.index ?? input.readableBytes
        guard count > 0, let bytes = input.readSlice(length: count) else { return .needMore }
        return .bytes(bytes)
    }

    /// The first place of the mark, or of what may become one.
    private func find(in input: ByteBuffer) -> (index: Int, isWhole: Bool)? {
        let bytes = input.readableBytesUInt8Span
        for index in bytes.indices where bytes[index] == Characters.carriageReturn {
            let count = min(mark.count, bytes.count - index)
            var matched = 1
            while matched < count, bytes[index + matched] == mark[matched] { matched += 1 }
            if matched == count { return (index, count == mark.count) }
        }
        return nil
    }
}

/// What a form may have. Of files and fields whoever takes their bytes keeps count.
public struct MultipartLimits: Sendable {
    public var parts: Int
    /// Of the lines before a part's content.
    public var headBytes: Int
    /// Before the first part.
    public var preambleBytes: Int

    public init(parts: Int = 10_000, headBytes: Int = 16 << 10, preambleBytes: Int = 16 << 10) {
        self.parts = parts
        self.headBytes = headBytes
        self.preambleBytes = preambleBytes
    }
}

/// Why a form is not read.
public enum MultipartFlaw: Error, Sendable, Equatable {
    case malformed(String)
    /// Beyond ``MultipartLimits``.
    case tooLarge(String)

    /// Half a sentence for people.
    public var text: String {
        switch self {
        case .malformed(let text), .tooLarge(let text): text
        }
    }
}
