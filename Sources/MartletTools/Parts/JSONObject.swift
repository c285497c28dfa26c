import MartletBase

/// A JSON object written field by field: just enough for counters, answers and reports.
package struct JSONObject {
    private var fields: [String] = []

    package init() {}

    package var text: String { "{" + fields.joined(separator: ",") + "}" }

    package mutating func set(_ key: String, _ value: some BinaryInteger) {
        fields.append("\(JSONText.quoted(key)):\(value)")
    }

    /// Three decimals are enough for anything measured here; what JSON cannot say becomes null.
    package mutating func set(_ key: String, _ value: Double) {
        let rounded = (value * 1000).rounded() / 1000
        fields.append("\(JSONText.quoted(key)):\(rounded.isFinite ? "\(rounded)" : "null")")
    }

    package mutating func set(_ key: String, _ value: Bool) {
        fields.append("\(JSONText.quoted(key)):\(value)")
    }

    package mutating func set(_ key: String, _ value: String) {
        fields.append("\(JSONText.quoted(key)):\(JSONText.quoted(value))")
    }

    package mutating func set(_ key: String, _ value: JSONObject) {
        fields.append("\(JSONText.quoted(key)):\(value.text)")
    }

    package mutating func set(_ key: String, _ values: [JSONObject]) {
        fields.append("\(JSONText.quoted(key)):[\(values.map(\.text).joined(separator: ","))]")
    }
}
