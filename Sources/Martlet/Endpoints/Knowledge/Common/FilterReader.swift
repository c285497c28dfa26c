import MartletLogic
import MartletWire

/// Filters as requests say them. Each is compared with every document of a base.
enum FilterReader {
    /// Filters in filters.
    private static let deepest = 8
    /// Parts of one, however they are joined.
    private static let most = 200
    /// Of a key, a pattern or a text that is compared, in bytes.
    private static let longest = 2048

    /// In OpenAI's form, which is Martlet's own as well: `{"type": "eq", "key": "year", "value": 2026}`, and
    /// `{"type": "and", "filters": […]}`.
    static func openAI(_ value: JSON, field: String = "filters") throws(FieldFlaw) -> DocumentFilter {
        var rest = most
        return try openAI(value, field, depth: 0, &rest)
    }

    private static func openAI(
        _ value: JSON, _ field: String, depth: Int, _ rest: inout Int
    ) throws(FieldFlaw) -> DocumentFilter {
        rest -= 1
        guard depth <= deepest, rest >= 0 else { throw flaw(field, "has too many parts") }
        guard case .string(let type)? = value["type"] else { throw flaw(field, "has a part without a type") }
        if type == "and" || type == "or" {
            guard case .array(let parts)? = value["filters"] else { throw flaw(field, "joins no filters") }
            var filters: [DocumentFilter] = []
            for part in parts { filters.append(try openAI(part, field, depth: depth + 1, &rest)) }
            return type == "and" ? .all(filters) : .any(filters)
        }
        guard case .string(let key)? = value["key"], let operand = value["value"] else {
            throw flaw(field, "compares without a key or a value")
        }
        if type == "in" || type == "nin" {
            guard case .array(let values) = operand else { throw flaw(field, "has no list") }
            rest -= values.count
            guard rest >= 0 else { throw flaw(field, "has too many parts") }
            var filters: [DocumentFilter] = []
            for value in values { filters.append(try part(key, .equal, value, field)) }
            return type == "in" ? .any(filters) : .not(.any(filters))
        }
        let comparisons: [String: DocumentFilter.Comparison] = [
            "eq": .equal, "ne": .unequal, "gt": .more, "gte": .atLeast, "lt": .less, "lte": .atMost,
            "contains": .contains,
        ]
        guard let comparison = comparisons[type] else { throw flaw(field, "has an unknown type `\(type.prefix(40))`") }
        return try part(key, comparison, operand, field)
    }

    /// As Langchain-Chatchat's searches have them: the name of a file as SQL has patterns, and values that all hold.
    ///
    /// - Returns: nil: every document fits.
    static func chatchat(
        name: String, _ metadata: [String: MetadataValue]
    ) throws(FieldFlaw) -> DocumentFilter? {
        guard metadata.count <= most else { throw flaw("metadata", "has too many parts") }
        guard name.utf8.count <= longest else { throw flaw("file_name", "is too long") }
        var filters: [DocumentFilter] = []
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            filters.append(try part(key, .equal, JSON(value), "metadata"))
        }
        if !name.isEmpty { filters.append(.name(like: String(name.map { $0 == "%" ? "*" : $0 }))) }
        return filters.isEmpty ? nil : .all(filters)
    }

    /// In Dify's form: `{"logical_operator": "and", "conditions": [{"name": ["category"], "comparison_operator": "is",
    /// "value": "hr"}]}`. A condition of several names holds where it holds for one of them.
    static func dify(_ value: Fields, field: String) throws(FieldFlaw) -> DocumentFilter? {
        let fields = RequestFields(value)
        guard let conditions = try fields.list("conditions"), !conditions.isEmpty else { return nil }
        var rest = most
        var filters: [DocumentFilter] = []
        for value in conditions {
            guard case .object(let members) = value else { throw flaw(field, "has a condition that is none") }
            filters.append(try condition(RequestFields(members), field, &rest))
        }
        return try fields.text("logical_operator") == "or" ? .any(filters) : .all(filters)
    }

    private static func condition(
        _ fields: RequestFields, _ field: String, _ rest: inout Int
    ) throws(FieldFlaw) -> DocumentFilter {
        let names: [String] =
            if case .string(let name)? = fields["name"] { [name] } else { try fields.texts("name") ?? [] }
        guard !names.isEmpty else { throw flaw(field, "has a condition without a name") }
        rest -= names.count
        guard rest >= 0 else { throw flaw(field, "has too many conditions") }
        let word = try fields.required("comparison_operator")
        var filters: [DocumentFilter] = []
        for name in names { filters.append(try compare(name, word, fields["value"], field)) }
        return filters.count == 1 ? filters[0] : .any(filters)
    }

    private static func compare(
        _ key: String, _ word: String, _ operand: JSON?, _ field: String
    ) throws(FieldFlaw) -> DocumentFilter {
        let comparisons: [String: DocumentFilter.Comparison] = [
            "contains": .contains, "is": .equal, "=": .equal, "≠": .unequal, ">": .more, "after": .more, "<": .less,
            "before": .less, "≥": .atLeast, "≤": .atMost, "is not": .unequal,
        ]
        let something = try part(key, .unequal, "", field)
        switch word {
        case "not empty": return something
        case "empty": return .not(something)
        case "not contains": return .not(try part(key, .contains, operand ?? .null, field))
        default:
            guard let comparison = comparisons[word] else {
                throw flaw(field, "has an unknown comparison `\(word.prefix(40))`")
            }
            return try part(key, comparison, operand ?? .null, field)
        }
    }

    private static func part(
        _ key: String, _ comparison: DocumentFilter.Comparison, _ operand: JSON, _ field: String
    ) throws(FieldFlaw) -> DocumentFilter {
        guard let value = MetadataValue(operand) else {
            throw flaw(field, "has a value that is no text, number or flag")
        }
        guard key.utf8.count <= longest, (operand.words.utf8.count) <= longest else {
            throw flaw(field, "has a part that is too long")
        }
        return .compare(key: key, comparison, value)
    }

    private static func flaw(_ field: String, _ what: String) -> FieldFlaw {
        FieldFlaw(field: field, kind: .range, message: "`\(field)` \(what).")
    }
}
