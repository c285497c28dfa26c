/// Writes mutations one after the other.
struct MutationWriter {
    private(set) var bytes: [UInt8] = []

    /// - Parameter limit: So much memory is kept from the last time.
    mutating func begin(_ version: UInt8, keepingBytes limit: Int) {
        bytes.removeAll(keepingCapacity: bytes.capacity <= limit)
        bytes.append(version)
    }

    mutating func write(_ mutation: Mutation) {
        bytes.append(mutation.change.kind.rawValue)
        write(mutation.database)
        write(mutation.key)
        switch mutation.change {
        case .remove, .clear, .expire(nil): break
        case .set(let value, let expiry):
            write(value)
            if let expiry { write(signed: expiry) }
        case .expire(let expiry?): write(signed: expiry)
        case .append(let part): write(part)
        case .overwrite(let place, let part): write(place, part)
        case .move(let database, let key), .copy(let database, let key): write(database, key)
        case .swap(let database): write(database)
        case .push(let elements, _): write(elements)
        case .pop(let count, _): write(count)
        case .setElement(let place, let element), .insertElement(let place, let element): write(place, element)
        case .removeElements(let element, let limit, _): write(limit, element)
        case .keepElements(let first, let count):
            write(first)
            write(count)
        case .setFields(let fields):
            write(fields.count)
            for field in fields {
                write(field.name)
                write(field.value)
            }
        case .removeFields(let names): write(names)
        case .addMembers(let members), .removeMembers(let members), .unscore(let members): write(members)
        case .score(let elements):
            write(elements.count)
            for element in elements {
                write(element.member)
                write(element.score)
            }
        }
    }

    private mutating func write(_ number: Int, _ value: Bytes) {
        write(number)
        write(value)
    }

    private mutating func write(_ values: [Bytes]) {
        write(values.count)
        for value in values { write(value) }
    }

    private mutating func write(_ value: Bytes) {
        write(value.count)
        bytes += value.array
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    private mutating func write(_ number: Int) { write(unsigned: UInt64(number)) }

    /// Numbers near zero are short, negative ones too.
    private mutating func write(signed number: Int64) {
        write(unsigned: UInt64(bitPattern: number << 1 ^ number >> 63))
    }

    private mutating func write(unsigned number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func write(_ score: Double) {
        var bits = score.bitPattern
        for _ in 0..<8 {
            bytes.append(UInt8(bits & 0xFF))
            bits >>= 8
        }
    }
}

extension Mutation.Change {
    fileprivate var kind: MutationCodec.Kind {
        switch self {
        case .set(_, let expiry): expiry == nil ? .set : .setWithExpiry
        case .append: .append
        case .overwrite: .overwrite
        case .expire(let expiry): expiry == nil ? .persist : .expire
        case .remove: .remove
        case .move: .move
        case .copy: .copy
        case .clear: .clear
        case .swap: .swap
        case .push(_, let end): end == .left ? .pushLeft : .pushRight
        case .pop(_, let end): end == .left ? .popLeft : .popRight
        case .setElement: .setElement
        case .insertElement: .insertElement
        case .removeElements(_, _, let end): end == .left ? .removeElementsLeft : .removeElementsRight
        case .keepElements: .keepElements
        case .setFields: .setFields
        case .removeFields: .removeFields
        case .addMembers: .addMembers
        case .removeMembers: .removeMembers
        case .score: .score
        case .unscore: .unscore
        }
    }
}
