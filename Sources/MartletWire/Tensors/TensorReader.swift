import MartletBase
import NIOCore

/// Writes a tensor's values as JSON, nested as its shape says, from the form they came in.
struct TensorReader {
    let type: TensorType
    let shape: TensorShape
    /// Bytes that the result may have.
    let limit: Int

    /// From JSON, nested or flat.
    func write(json: ArraySlice<UInt8>, into buffer: inout ByteBuffer) throws(WireError) {
        var nest = TensorNest(shape)
        var left = shape.count
        if left == 0 { buffer.writeStaticString("[]") }
        try Self.forEach(in: json) { (scalar) throws(WireError) in
            guard left > 0 else { throw Self.wrongCount }
            left -= 1
            guard type.takes(scalar) else {
                throw WireError(.invalidBody, "a value that is not of its tensor's datatype")
            }
            nest.open(into: &buffer)
            buffer.writeBytes(scalar.bytes)
            nest.close(into: &buffer)
            try bound(buffer)
        }
        guard left == 0 else { throw Self.wrongCount }
    }

    /// Each value in turn.
    static func forEach(
        in json: ArraySlice<UInt8>, _ take: (JSONScalar) throws(WireError) -> Void
    ) throws(WireError) {
        var cursor = JSONCursor(json)
        var pace = ConversionPace()
        do throws(WireError) {
            try forEach(&cursor, depth: 0) { (scalar) throws(WireError) in
                try pace.step()
                try take(scalar)
            }
        } catch {
            // The cursor is for what workers send; these bytes are the caller's.
            guard error.code == .upstreamMalformed else { throw error }
            throw WireError(.invalidBody, "a tensor's data is no list of values")
        }
    }

    private static func forEach(
        _ cursor: inout JSONCursor, depth: Int, _ take: (JSONScalar) throws(WireError) -> Void
    ) throws(WireError) {
        guard cursor.peek() == UInt8(ascii: "[") else { return try take(cursor.scalar()) }
        guard depth < TensorShape.maximumRank else {
            throw WireError(.invalidBody, "a tensor of too many dimensions")
        }
        try cursor.array { (cursor) throws(WireError) in try forEach(&cursor, depth: depth + 1, take) }
    }

    /// From the elements' own bytes, little-endian, in the order of rows.
    func write(binary: ByteBuffer, into buffer: inout ByteBuffer) throws(WireError) {
        let (least, isTooLarge) = shape.count.multipliedReportingOverflow(by: type.width ?? Self.lengthBytes)
        guard !isTooLarge, type.width == nil ? least <= binary.readableBytes : least == binary.readableBytes else {
            throw Self.wrongCount
        }
        guard shape.count > 0 else {
            guard binary.readableBytes == 0 else { throw Self.wrongCount }
            buffer.writeStaticString("[]")
            return
        }
        var (binary, nest, pace) = (binary, TensorNest(shape), ConversionPace())
        for _ in 0..<shape.count {
            try pace.step()
            guard let text = try Self.element(of: type, &binary) else { throw Self.wrongCount }
            nest.open(into: &buffer)
            buffer.writeString(text)
            nest.close(into: &buffer)
            try bound(buffer)
        }
        guard binary.readableBytes == 0 else { throw Self.wrongCount }
    }

    private func bound(_ buffer: ByteBuffer) throws(WireError) {
        guard buffer.readableBytes <= limit else {
            throw WireError(.bodyTooLarge, "tensors that are longer as JSON than a body may be")
        }
    }

    /// Before each element of `BYTES`.
    private static let lengthBytes = 4

    /// The next element as JSON; nil: there is no whole one.
    private static func element(of type: TensorType, _ bytes: inout ByteBuffer) throws(WireError) -> String? {
        switch type {
        case .bool: return bytes.readInteger(as: UInt8.self).map { $0 == 0 ? "false" : "true" }
        case .uint8: return bytes.readInteger(as: UInt8.self).map(String.init)
        case .uint16: return bytes.readInteger(endianness: .little, as: UInt16.self).map(String.init)
        case .uint32: return bytes.readInteger(endianness: .little, as: UInt32.self).map(String.init)
        case .uint64: return bytes.readInteger(endianness: .little, as: UInt64.self).map(String.init)
        case .int8: return bytes.readInteger(as: Int8.self).map(String.init)
        case .int16: return bytes.readInteger(endianness: .little, as: Int16.self).map(String.init)
        case .int32: return bytes.readInteger(endianness: .little, as: Int32.self).map(String.init)
        case .int64: return bytes.readInteger(endianness: .little, as: Int64.self).map(String.init)
        case .fp16: return try finite(bytes.readInteger(endianness: .little).map { Self.widened(half: $0) })
        case .bf16:
            let bits = bytes.readInteger(endianness: .little, as: UInt16.self)
            return try finite(bits.map { Float(bitPattern: UInt32($0) << 16) })
        case .fp32: return try finite(bytes.readInteger(endianness: .little).map { Float(bitPattern: $0) })
        case .fp64: return try finite(bytes.readInteger(endianness: .little).map { Double(bitPattern: $0) })
        case .bytes:
            guard let length = bytes.readInteger(endianness: .little, as: UInt32.self),
                let element = bytes.readSlice(length: Int(length))
            else { return nil }
            guard let text = String(validating: element.readableBytesView, as: UTF8.self) else {
                throw WireError(.invalidBody, "an element of BYTES that is not UTF-8")
            }
            return JSONText.quoted(text)
        }
    }

    private static func finite<Number: BinaryFloatingPoint & CustomStringConvertible>(
        _ number: Number?
    ) throws(WireError) -> String? {
        guard let number else { return nil }
        guard number.isFinite else { throw WireError(.invalidBody, "a number that JSON cannot say: NaN or infinity") }
        return number.description
    }

    /// The number that 16 bits of IEEE 754 mean: not every machine that Swift runs on has a type for them.
    static func widened(half bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1f
        let fraction = UInt32(bits & 0x3ff)
        switch exponent {
        case 0:
            let small = Float(fraction) * 0x1p-24
            return sign == 0 ? small : -small
        case 0x1f: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }

    private static var wrongCount: WireError {
        WireError(.invalidBody, "a tensor's data does not have as many elements as its shape says")
    }
}
