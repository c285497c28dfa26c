import MartletExchange
import MartletKnowledge
import MartletWire
import NIOCore

/// A field of a request that is not as it must be.
struct FieldFlaw: Error, Equatable {
    enum Kind: String {
        case missing
        case text = "string_type"
        case number = "float_parsing"
        case count = "int_parsing"
        case flag = "bool_parsing"
        case list = "list_type"
        case object = "dict_type"
        case range = "value_error"
        case json = "json_invalid"
    }

    var field: String
    var kind: Kind
    /// A whole sentence for people.
    var message: String
}

/// What a request asks for: the members of its JSON body, or the fields of its form, whose values are text. Texts that
/// spell a number or a flag are taken for it in both, as clients of Python's services expect.
struct RequestFields: Sendable {
    /// Of a body that is taken apart as a whole.
    static let bodyBytes = 16 << 20
    /// Each takes many times its bytes when a body is taken apart.
    private static let mostValues = 200_000

    let values: Fields

    init(_ values: Fields) {
        self.values = values
    }

    /// Of a form: the last of several of one name counts.
    init(_ form: UploadedForm) {
        values = Dictionary(form.fields.map { ($0.name, .string($0.value)) }) { $1 }
    }

    /// Reads the whole body; an empty one has no members.
    ///
    /// - Throws: `FieldFlaw` where it is no object of JSON, `KnowledgeError.tooLarge`, `CancellationError`.
    init(_ body: LocalBody) async throws {
        guard case .object(let values) = try await Self.json(body, empty: [:]) else {
            throw FieldFlaw(field: "", kind: .object, message: "The body is no object of JSON.")
        }
        self.values = values
    }

    /// Any JSON.
    ///
    /// - Parameter empty: What an empty body means.
    static func json(_ body: LocalBody, empty: JSON) async throws -> JSON {
        var whole = ByteBuffer()
        for try await piece in body {
            whole.writeImmutableBuffer(piece)
            guard whole.readableBytes <= bodyBytes else { throw KnowledgeError(.tooLarge, "The body is too large.") }
        }
        guard whole.readableBytes > 0 else { return empty }
        guard JSONSize.values(in: whole.readableBytesView) <= mostValues else {
            throw KnowledgeError(.tooLarge, "The body has more than \(mostValues) values.")
        }
        guard let json = try? JSON.parse(whole.readableBytesView) else {
            throw FieldFlaw(field: "", kind: .json, message: "The body is no JSON.")
        }
        return json
    }

    /// nil: it is not there, or null.
    subscript(_ name: String) -> JSON? {
        guard let value = values[name], value != .null else { return nil }
        return value
    }

    func text(_ name: String) throws(FieldFlaw) -> String? {
        guard let value = self[name] else { return nil }
        guard case .string(let text) = value else {
            throw FieldFlaw(field: name, kind: .text, message: "`\(name)` is no text.")
        }
        return text
    }

    func required(_ name: String) throws(FieldFlaw) -> String {
        guard let text = try text(name) else {
            throw FieldFlaw(field: name, kind: .missing, message: "`\(name)` is missing.")
        }
        return text
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws(FieldFlaw) -> Double? {
        let number: Double
        switch self[name] {
        case nil: return nil
        case .integer(let value)?: number = Double(value)
        case .number(let value)?: number = value
        case .string(let text)?:
            guard let value = Double(text) else { fallthrough }
            number = value
        default: throw FieldFlaw(field: name, kind: .number, message: "`\(name)` is no number.")
        }
        guard range.contains(number) else {
            let (low, high) = (range.lowerBound, range.upperBound)
            throw FieldFlaw(field: name, kind: .range, message: "`\(name)` is not between \(low) and \(high).")
        }
        return number
    }

    func count(_ name: String, in range: ClosedRange<Int>) throws(FieldFlaw) -> Int? {
        guard let number = try number(name, in: Double(range.lowerBound)...Double(range.upperBound)) else { return nil }
        guard let count = Int(exactly: number) else {
            throw FieldFlaw(field: name, kind: .count, message: "`\(name)` is no whole number.")
        }
        return count
    }

    func flag(_ name: String) throws(FieldFlaw) -> Bool? {
        switch self[name] {
        case nil: return nil
        case .bool(let flag)?: return flag
        case .integer(0)?: return false
        case .integer(1)?: return true
        case .string(let text)?:
            switch text.lowercased() {
            case "true", "t", "yes", "y", "on", "1": return true
            case "false", "f", "no", "n", "off", "0": return false
            default: break
            }
        default: break
        }
        throw FieldFlaw(field: name, kind: .flag, message: "`\(name)` is neither true nor false.")
    }

    /// - Parameter most: How many there may be; nil: as many as a body has.
    func texts(_ name: String, atMost most: Int? = nil) throws(FieldFlaw) -> [String]? {
        guard let list = try list(name) else { return nil }
        if let most, list.count > most {
            throw FieldFlaw(field: name, kind: .range, message: "`\(name)` has more than \(most) texts.")
        }
        var texts: [String] = []
        for item in list {
            guard case .string(let text) = item else {
                throw FieldFlaw(field: name, kind: .text, message: "`\(name)` is no list of texts.")
            }
            texts.append(text)
        }
        return texts
    }

    func list(_ name: String) throws(FieldFlaw) -> [JSON]? {
        guard let value = self[name] else { return nil }
        guard case .array(let list) = value else {
            throw FieldFlaw(field: name, kind: .list, message: "`\(name)` is no list.")
        }
        return list
    }

    func object(_ name: String) throws(FieldFlaw) -> Fields? {
        guard let value = self[name] else { return nil }
        guard case .object(let object) = value else {
            throw FieldFlaw(field: name, kind: .object, message: "`\(name)` is no object.")
        }
        return object
    }

    /// JSON in a text, as forms and Chatchat's clients send objects.
    func spelled(_ name: String) throws(FieldFlaw) -> Fields? {
        guard case .string(let text)? = self[name] else { return try object(name) }
        guard !text.isEmpty else { return nil }
        guard JSONSize.values(in: text.utf8) <= Self.mostValues else {
            throw FieldFlaw(field: name, kind: .range, message: "`\(name)` has more than \(Self.mostValues) values.")
        }
        guard case .object(let object)? = try? JSON.parse(text.utf8) else {
            throw FieldFlaw(field: name, kind: .json, message: "`\(name)` is no object of JSON.")
        }
        return object
    }
}
