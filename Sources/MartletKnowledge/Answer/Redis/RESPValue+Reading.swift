import MartletWire
import NIOCore

extension RESPValue {
    /// Empty where it is no array.
    var list: [RESPValue] {
        if case .array(let values) = self { values } else { [] }
    }

    /// nil: there is none.
    var bytes: ByteBuffer? {
        if case .bulk(let bytes) = self { bytes } else { nil }
    }

    var text: String? { bytes.map { String(buffer: $0) } }

    /// Also one that is kept as text.
    var integer: Int? {
        if case .integer(let number) = self { Int(number) } else { text.flatMap { Int($0) } }
    }
}
