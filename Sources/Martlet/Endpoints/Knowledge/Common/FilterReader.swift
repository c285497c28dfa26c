import MartletLogic
import MartletWire

/// Filters as requests say them.
enum FilterReader {
    /// Filters in filters.
    private static let deepest = 8
    private static let most = 200

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
            guard case .array(let values) = operand, values.count <= most else { throw flaw(field, "has no list") }
            var filters: [DocumentFilter] = []
            for value in values { filters.append(.compare(key: key, .equal, try read(value, field))) }
            return type == "in" ? .any(filters) : .not(.any(filters))
        }
        let comparisons: [String: DocumentFilter.Comparison] = [
            "eq": .equal, "ne": .unequal, "gt": .more, "gte": .atLeast, "lt": .less, "lte": .atMost,
            "contains": .contains,
        ]
        guard let comparison = comparisons[type] else { throw flaw(field, "has an unknown type `\(type.prefix(40))`") }
        return .compare(key: key, comparison, try read(operand, field))
    }

    /// In Dify's form: `{"logical_operator": "and", "conditions": [{"name": ["category"], "comparison_operator": "is",
    /// "value": "hr"}]}`. A condition of several names holds where it holds for one of them.
    static func dify(_ value: Fields, field: String) throws(FieldFlaw) -> DocumentFilter? {
        let fields = RequestFields(value)
        guard let conditions = try fields.list("conditions"), !conditions.isEmpty else { return nil }
        guard conditions.count <= most else { throw flaw(field, "has too many conditions") }
        var filters: [DocumentFilter] = []
        for value in conditions {
            guard case .object(let members) = value else { throw flaw(field, "has a condition that is none") }
            filters.append(try condition(RequestFields(members), field))
        }
        return try fields.text("logical_operator") == "or" ? .any(filters) : .all(filters)
    }

    private static func condition(_ fields: RequestFields, _ field: String) throws(FieldFlaw) -> DocumentFilter {
        let names: [String] =
            if case .string(let name)? = fields["name"] { [name] } else { try fields.texts("name") ?? [] }
        guard !names.isEmpty, names.count <= most else { throw flaw(field, "has a condition without a name") }
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
        let something = DocumentFilter.compare(key: key, .unequal, .text(""))
        switch word {
        case "not empty": return something
        case "empty": return .not(something)
        case "not contains": return .not(.compare(key: key, .contains, try read(operand ?? .null, field)))
        default:
            guard let comparison = comparisons[word] else {
                throw flaw(field, "has an unknown comparison `\(word.prefix(40))`")
            }
            return .compare(key: key, comparison, try read(operand ?? .null, field))
        }
    }

    private static func read(_ value: JSON, _ field: String) throws(FieldFlaw) -> MetadataValue {
        guard let value = MetadataValue(value) else { throw flaw(field, "has a value that is no text, number or flag") }
        return value
    }

    private static func flaw(_ field: String, _ what: String) -> FieldFlaw {
        FieldFlaw(field: field, kind: .range, message: "`\(field)` \(what).")
    }
}
