import MartletBase
import NIOCore

/// One tensor of an answer. What forms no tensor (objects, lists of unequal lengths, a mixture of types) is one element
/// of `BYTES`: its JSON.
public struct InferenceOutput: Sendable {
    private enum Values: Sendable {
        /// As they stand in the text.
        case json(ArraySlice<UInt8>)
        case single(ArraySlice<UInt8>)
    }

    public let name: String
    public let type: TensorType
    public let shape: [Int]
    private let values: Values

    /// One element.
    init(name: String, bytes: ArraySlice<UInt8>) {
        self.init(name: name, type: .bytes, shape: [1], values: .single(bytes))
    }

    /// - Throws: `upstreamMalformed` when it is no JSON.
    init(name: String, json: ArraySlice<UInt8>) throws(WireError) {
        var survey = TensorSurvey()
        var cursor = JSONCursor(json)
        try survey.read(&cursor)
        try cursor.expectEnd()
        guard let (type, shape) = survey.tensor else {
            self.init(name: name, bytes: json)
            return
        }
        self.init(name: name, type: type, shape: shape, values: .json(json))
    }

    private init(name: String, type: TensorType, shape: [Int], values: Values) {
        (self.name, self.type, self.shape, self.values) = (name, type, shape, values)
    }

    private func writeHead(into buffer: inout ByteBuffer) {
        let dimensions = shape.map(String.init).joined(separator: ",")
        buffer.writeString(
            #"{"name":\#(JSONText.quoted(name)),"datatype":"\#(type.rawValue)","shape":[\#(dimensions)]"#)
    }

    /// As JSON, flat.
    func write(into buffer: inout ByteBuffer) throws(WireError) {
        writeHead(into: &buffer)
        buffer.writeStaticString(#","data":["#)
        switch values {
        case .single(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw WireError(.upstreamMalformed, "an answer that is no text: ask for binary output")
            }
            buffer.writeString(JSONText.quoted(text))
        case .json(let text):
            var isFirst = true
            try TensorReader.forEach(in: text) { scalar in
                if !isFirst { buffer.writeStaticString(",") }
                isFirst = false
                buffer.writeBytes(scalar.bytes)
            }
        }
        buffer.writeStaticString("]}")
    }

    /// As bytes, which go at the end of `tensors`.
    func write(into buffer: inout ByteBuffer, tensors: inout ByteBuffer) throws(WireError) {
        let start = tensors.readableBytes
        switch values {
        case .single(let bytes): Self.write(bytes, into: &tensors)
        case .json(let text): try TensorReader.forEach(in: text) { Self.write($0, of: type, into: &tensors) }
        }
        writeHead(into: &buffer)
        buffer.writeString(#","parameters":{"binary_data_size":\#(tensors.readableBytes - start)}}"#)
    }

    private static func write(_ element: some Collection<UInt8>, into tensors: inout ByteBuffer) {
        tensors.writeInteger(UInt32(clamping: element.count), endianness: .little)
        tensors.writeBytes(element)
    }

    private static func write(_ scalar: JSONScalar, of type: TensorType, into tensors: inout ByteBuffer) {
        switch (type, scalar.kind) {
        case (.int64, _): tensors.writeInteger(Int64(scalar.text) ?? 0, endianness: .little)
        case (.fp64, _): tensors.writeInteger((Double(scalar.text) ?? 0).bitPattern, endianness: .little)
        case (_, .bool(let bool)): tensors.writeInteger(UInt8(bool ? 1 : 0))
        case (_, .string(let text)): write(Array(text.utf8), into: &tensors)
        default: break
        }
    }
}

/// Finds out whether a JSON value is a tensor, and of which type and shape.
private struct TensorSurvey {
    private var isRegular = true
    private var pace = ConversionPace()
    private var type: TensorType?
    /// Elements of the lists of each depth.
    private var lengths: [Int?] = []
    /// How deep the elements are; nil: none was seen.
    private var leafDepth: Int?

    /// nil: it forms none.
    var tensor: (TensorType, [Int])? {
        let shape = lengths.compactMap { $0 }
        guard isRegular, leafDepth == nil || leafDepth == shape.count else { return nil }
        return (type ?? .fp64, shape.isEmpty ? [1] : shape)
    }

    mutating func read(_ cursor: inout JSONCursor, depth: Int = 0) throws(WireError) {
        switch cursor.peek() {
        case UInt8(ascii: "[") where depth < TensorShape.maximumRank:
            var count = 0
            if lengths.count == depth { lengths.append(nil) }
            try cursor.array { (cursor) throws(WireError) in
                count += 1
                try read(&cursor, depth: depth + 1)
            }
            if let length = lengths[depth], length != count { isRegular = false }
            lengths[depth] = count
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            isRegular = false
            try cursor.skip()
        default:
            try pace.step()
            take(try cursor.scalar(), depth: depth)
        }
    }

    private mutating func take(_ scalar: JSONScalar, depth: Int) {
        if let leafDepth, leafDepth != depth { isRegular = false }
        leafDepth = depth
        switch (type, scalar.kind) {
        case (nil, .bool), (.bool, .bool): type = .bool
        case (nil, .string), (.bytes, .string): type = .bytes
        case (nil, .integer), (.int64, .integer): takeNumber(scalar, as: Int64(scalar.text) == nil ? .fp64 : .int64)
        case (nil, .number), (.int64, .number), (.fp64, .number), (.fp64, .integer): takeNumber(scalar, as: .fp64)
        default: isRegular = false
        }
    }

    private mutating func takeNumber(_ scalar: JSONScalar, as type: TensorType) {
        self.type = type
        if type == .fp64, !scalar.isFinite { isRegular = false }
    }
}
