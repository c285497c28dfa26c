import Foundation
import MartletLogic

/// How what the store keeps as text is written: JSON, with short names.
enum KnowledgeMarks {
    private struct PlaceForm: Codable {
        var page: Int?
        var slide: Int?
        var sheet: String?
        var chapter: String?

        init(_ place: DocumentPlace) {
            switch place {
            case .page(let number): page = number
            case .slide(let number): slide = number
            case .sheet(let name): sheet = name
            case .chapter(let name): chapter = name
            }
        }

        var place: DocumentPlace? {
            page.map { .page($0) } ?? slide.map { .slide($0) } ?? sheet.map { .sheet($0) }
                ?? chapter.map { .chapter($0) }
        }
    }

    private struct ChunkForm: Codable {
        var place: PlaceForm?
        var headings: [String]?
    }

    private struct DocumentForm: Codable {
        struct Mark: Codable {
            var at: Int
            var place: PlaceForm
        }

        struct Heading: Codable {
            var at: Int
            var level: Int
            var title: String
        }

        var title: String?
        var places: [Mark]
        var headings: [Heading]
        var rows: RowsForm
    }

    /// Where rows begin, as one text of how far each is from the one before: the coder of JSON holds a hundred bytes
    /// for each number of a list, and tables have a million rows. Older stores have the list.
    private struct RowsForm: Codable {
        var starts: [Int]

        init(_ starts: [Int]) { self.starts = starts }

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let list = try? value.decode([Int].self) {
                starts = list
                return
            }
            starts = []
            for step in try value.decode(String.self).utf8.split(separator: 0x20) {
                guard let step = Int(Substring(step)), let next = Self.sum(starts.last ?? 0, step) else {
                    throw DecodingError.dataCorruptedError(in: value, debugDescription: "rows that are no numbers")
                }
                starts.append(next)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var (text, last) = ("", 0)
            for start in starts {
                text += "\(start - last) "
                last = start
            }
            var value = encoder.singleValueContainer()
            try value.encode(text)
        }

        private static func sum(_ last: Int, _ step: Int) -> Int? {
            let (sum, isTooLarge) = last.addingReportingOverflow(step)
            return isTooLarge ? nil : sum
        }
    }

    private enum ValueForm: Codable {
        case text(String)
        case number(Double)
        case flag(Bool)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let flag = try? value.decode(Bool.self) {
                self = .flag(flag)
            } else if let number = try? value.decode(Double.self) {
                self = .number(number)
            } else {
                self = .text(try value.decode(String.self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .text(let text): try value.encode(text)
            case .number(let number): try value.encode(number)
            case .flag(let flag): try value.encode(flag)
            }
        }
    }

    // MARK: Chunks

    static func text(_ chunk: Chunk) throws -> String {
        try write(
            ChunkForm(
                place: chunk.place.map { PlaceForm($0) }, headings: chunk.headings.isEmpty ? nil : chunk.headings))
    }

    static func chunk(_ marks: String, text: String, range: Range<Int>) throws -> Chunk {
        let form = try read(ChunkForm.self, marks)
        return Chunk(text: text, range: range, place: form.place?.place, headings: form.headings ?? [])
    }

    // MARK: Documents

    /// Where the title is in what a document is written as.
    static let titlePath = "$.title"

    static func text(_ document: DocumentText) throws -> String {
        try write(
            DocumentForm(
                title: document.title,
                places: document.places.map { .init(at: $0.offset, place: PlaceForm($0.place)) },
                headings: document.headings.map { .init(at: $0.offset, level: $0.level, title: $0.title) },
                rows: RowsForm(document.rows)))
    }

    static func document(_ marks: String, text: String) throws -> DocumentText {
        let form = try read(DocumentForm.self, marks)
        return DocumentText(
            text: text, title: form.title,
            places: form.places.compactMap { mark in
                mark.place.place.map { PlaceMark(offset: mark.at, place: $0) }
            },
            headings: form.headings.map { HeadingMark(offset: $0.at, level: $0.level, title: $0.title) },
            rows: form.rows.starts)
    }

    // MARK: Metadata

    static func text(_ metadata: [String: MetadataValue]) throws -> String {
        try write(
            metadata.mapValues { value -> ValueForm in
                switch value {
                case .text(let text): .text(text)
                case .number(let number): .number(number)
                case .flag(let flag): .flag(flag)
                }
            })
    }

    static func metadata(_ text: String) throws -> [String: MetadataValue] {
        try read([String: ValueForm].self, text).mapValues { value in
            switch value {
            case .text(let text): .text(text)
            case .number(let number): .number(number)
            case .flag(let flag): .flag(flag)
            }
        }
    }

    private static func write(_ value: some Encodable) throws -> String {
        do {
            return String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
        } catch {
            throw KnowledgeError(.invalid, "metadata that cannot be written: \(error)")
        }
    }

    private static func read<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw KnowledgeError(.failed, "the store holds something that it should not: \(error)")
        }
    }
}
