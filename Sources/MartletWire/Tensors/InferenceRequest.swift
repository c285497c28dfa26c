import MartletBase
public import NIOCore

/// What `infer` of the Open Inference Protocol asks: tensors as JSON, or as bytes behind the JSON.
public struct InferenceRequest: Sendable {
    /// An output that the caller wants.
    public struct Wanted: Sendable, Equatable {
        public let name: String
        /// nil: as the request says for all.
        let isBinary: Bool?
    }

    /// The caller's own; empty without one.
    public private(set) var id = ""
    public private(set) var inputs: [InferenceInput] = []
    /// Empty: all that there are.
    public private(set) var wanted: [Wanted] = []
    /// Outputs go as bytes where nothing else is said.
    private(set) var isBinary = false

    /// - Parameter headerLength: Bytes of JSON before the binary tensors; nil: there are none.
    /// - Throws: `invalidBody`.
    public init(body: ByteBuffer, headerLength: Int?) throws(WireError) {
        var tensors = body
        guard let text = tensors.readSlice(length: headerLength ?? body.readableBytes) else {
            throw WireError(.invalidBody, "Inference-Header-Content-Length is more than the body has")
        }
        do throws(WireError) {
            try read(Array(text.readableBytesView))
        } catch {
            guard error.code != .invalidBody else { throw error }
            throw WireError(.invalidBody, "not an inference request in JSON")
        }
        guard Set(inputs.map(\.name)).count == inputs.count else {
            throw WireError(.invalidBody, "two inputs of one name")
        }
        for index in inputs.indices { try inputs[index].takeBytes(from: &tensors) }
        guard tensors.readableBytes == 0 else {
            throw WireError(.invalidBody, "more binary data than the inputs say")
        }
    }

    /// The inputs as one JSON object, each under its name.
    ///
    /// - Parameters:
    ///   - plain: Names of inputs of which a single element goes as it is, without a list around it.
    ///   - limit: Bytes that the object may have.
    /// - Throws: `invalidBody` where data is not what its shape and datatype say; `bodyTooLarge`.
    public func object(plain: Set<String> = [], limit: Int) throws(WireError) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeStaticString("{")
        for (index, input) in inputs.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            buffer.writeString(JSONText.quoted(input.name))
            buffer.writeStaticString(":")
            try input.write(into: &buffer, isPlain: plain.contains(input.name), limit: limit)
        }
        buffer.writeStaticString("}")
        return buffer
    }

    private mutating func read(_ text: [UInt8]) throws(WireError) {
        var cursor = JSONCursor(text)
        var hasInputs = false
        try cursor.object { (name, cursor) throws(WireError) in
            switch name {
            case "id": id = try cursor.string()
            case "parameters":
                try cursor.object { (name, cursor) throws(WireError) in
                    if name == "binary_data_output" { isBinary = try cursor.flag() } else { try cursor.skip() }
                }
            case "inputs":
                hasInputs = true
                try cursor.array { (cursor) throws(WireError) in inputs.append(try InferenceInput(&cursor)) }
            case "outputs":
                try cursor.array { (cursor) throws(WireError) in wanted.append(try Wanted(&cursor)) }
            default: try cursor.skip()
            }
        }
        try cursor.expectEnd()
        guard hasInputs else { throw WireError(.invalidBody, "a request without inputs") }
    }
}

extension InferenceRequest.Wanted {
    fileprivate init(_ cursor: inout JSONCursor) throws(WireError) {
        var (name, isBinary): (String?, Bool?)
        try cursor.object { (key, cursor) throws(WireError) in
            switch key {
            case "name": name = try cursor.string()
            case "parameters":
                try cursor.object { (key, cursor) throws(WireError) in
                    if key == "binary_data" { isBinary = try cursor.flag() } else { try cursor.skip() }
                }
            default: try cursor.skip()
            }
        }
        guard let name else { throw WireError(.invalidBody, "an output without a name") }
        self.init(name: name, isBinary: isBinary)
    }
}

/// One tensor of a request.
public struct InferenceInput: Sendable {
    private enum Values: Sendable {
        /// As they stand in the text.
        case json(ArraySlice<UInt8>)
        /// So many bytes behind it.
        case expected(Int)
        case binary(ByteBuffer)
    }

    public let name: String
    public let type: TensorType
    public let shape: TensorShape
    private var values: Values

    fileprivate init(_ cursor: inout JSONCursor) throws(WireError) {
        var (name, type, shape): (String?, TensorType?, TensorShape?)
        var values: Values?
        try cursor.object { (key, cursor) throws(WireError) in
            switch key {
            case "name": name = try cursor.string()
            case "datatype":
                type = TensorType(rawValue: try cursor.string())
                guard type != nil else { throw WireError(.invalidBody, "a datatype that there is not") }
            case "shape":
                var dimensions: [Int] = []
                try cursor.array { (cursor) throws(WireError) in
                    guard dimensions.count <= TensorShape.maximumRank else {
                        throw WireError(.invalidBody, "a tensor of too many dimensions")
                    }
                    dimensions.append(try cursor.count())
                }
                shape = try TensorShape(dimensions)
            case "data": values = .json(try cursor.value())
            case "parameters":
                try cursor.object { (key, cursor) throws(WireError) in
                    if key == "binary_data_size" { values = .expected(try cursor.count()) } else { try cursor.skip() }
                }
            default: try cursor.skip()
            }
        }
        guard let name, let type, let shape, let values else {
            throw WireError(.invalidBody, "an input without its name, datatype, shape or data")
        }
        (self.name, self.type, self.shape, self.values) = (name, type, shape, values)
    }

    fileprivate mutating func takeBytes(from tensors: inout ByteBuffer) throws(WireError) {
        guard case .expected(let count) = values else { return }
        guard let bytes = tensors.readSlice(length: count) else {
            throw WireError(.invalidBody, "less binary data than the inputs say")
        }
        values = .binary(bytes)
    }

    fileprivate func write(into buffer: inout ByteBuffer, isPlain: Bool, limit: Int) throws(WireError) {
        let written = isPlain && shape.count == 1 ? try TensorShape([]) : shape
        let reader = TensorReader(type: type, shape: written, limit: limit)
        switch values {
        case .json(let text): try reader.write(json: text, into: &buffer)
        case .binary(let bytes): try reader.write(binary: bytes, into: &buffer)
        case .expected: throw WireError(.invalidBody, "less binary data than the inputs say")
        }
    }
}
