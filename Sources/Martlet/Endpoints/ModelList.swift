import Foundation

/// The form of `GET /v1/models`, as far as it is read.
struct ModelList: Decodable {
    private struct Model: Decodable {
        var id: String
    }

    private var data: [Model]

    /// The names in a list; none when the text is something else.
    static func ids(in body: [UInt8]) -> [String] {
        (try? JSONDecoder().decode(ModelList.self, from: Data(body)))?.data.map(\.id) ?? []
    }
}
