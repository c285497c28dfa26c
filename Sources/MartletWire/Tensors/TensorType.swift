/// The types of elements that the Open Inference Protocol names.
public enum TensorType: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case uint8 = "UINT8", uint16 = "UINT16", uint32 = "UINT32", uint64 = "UINT64"
    case int8 = "INT8", int16 = "INT16", int32 = "INT32", int64 = "INT64"
    case fp16 = "FP16", bf16 = "BF16", fp32 = "FP32", fp64 = "FP64"
    case bytes = "BYTES"

    /// Bytes of one element in a binary tensor; nil: each element says how long it is.
    var width: Int? {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .fp16, .bf16: 2
        case .uint32, .int32, .fp32: 4
        case .uint64, .int64, .fp64: 8
        case .bytes: nil
        }
    }

    /// Whether a value that came as JSON is one of this type.
    func takes(_ scalar: JSONScalar) -> Bool {
        switch (self, scalar.kind) {
        case (.bool, .bool), (.bytes, .string): true
        case (.fp16, .integer), (.bf16, .integer), (.fp32, .integer), (.fp64, .integer): scalar.isFinite
        case (.fp16, .number), (.bf16, .number), (.fp32, .number), (.fp64, .number): scalar.isFinite
        case (.uint8, .integer): UInt8(scalar.text) != nil
        case (.uint16, .integer): UInt16(scalar.text) != nil
        case (.uint32, .integer): UInt32(scalar.text) != nil
        case (.uint64, .integer): UInt64(scalar.text) != nil
        case (.int8, .integer): Int8(scalar.text) != nil
        case (.int16, .integer): Int16(scalar.text) != nil
        case (.int32, .integer): Int32(scalar.text) != nil
        case (.int64, .integer): Int64(scalar.text) != nil
        default: false
        }
    }
}
