import MartletLogic
import MartletWire
import NIOCore

extension RESPWriter {
    init(_ version: ReplyVersion) {
        self.init(version: version == .two ? .two : .three)
    }

    /// An answer of the broker.
    func answer(_ answer: Answer, into buffer: inout ByteBuffer) {
        switch answer {
        case .simple(let text): simple(text, into: &buffer)
        case .integer(let number): integer(number, into: &buffer)
        case .double(let number): double(number, into: &buffer)
        case .bulk(let bytes): bulk(bytes.array, into: &buffer)
        case .null: null(into: &buffer)
        case .nullArray: nullArray(into: &buffer)
        case .array(let elements):
            array(elements.count, into: &buffer)
            for element in elements { self.answer(element, into: &buffer) }
        case .set(let elements):
            set(elements.count, into: &buffer)
            for element in elements { self.answer(element, into: &buffer) }
        case .map(let pairs):
            map(pairs: pairs.count, into: &buffer)
            for pair in pairs { self.pair(pair, into: &buffer) }
        case .pairs(let pairs):
            array(version == .two ? pairs.count * 2 : pairs.count, into: &buffer)
            for pair in pairs {
                if version == .three { array(2, into: &buffer) }
                self.pair(pair, into: &buffer)
            }
        case .boolean(let flag): boolean(flag, into: &buffer)
        case .error(let code, let text): error(code: code, text, into: &buffer)
        }
    }

    /// What nobody asked for now.
    func push(_ message: Answer, into buffer: inout ByteBuffer) {
        guard case .array(let elements) = message else { return answer(message, into: &buffer) }
        push(elements.count, into: &buffer)
        for element in elements { answer(element, into: &buffer) }
    }

    private func pair(_ pair: Answer.Pair, into buffer: inout ByteBuffer) {
        answer(pair.first, into: &buffer)
        answer(pair.second, into: &buffer)
    }
}

extension Answer {
    /// About how many bytes it takes when it is written.
    var writtenBytes: Int {
        let head = 16
        return switch self {
        case .bulk(let bytes): head + bytes.count
        case .array(let elements), .set(let elements): elements.reduce(head) { $0 + $1.writtenBytes }
        case .map(let pairs), .pairs(let pairs):
            pairs.reduce(head) { $0 + head + $1.first.writtenBytes + $1.second.writtenBytes }
        default: head
        }
    }
}
