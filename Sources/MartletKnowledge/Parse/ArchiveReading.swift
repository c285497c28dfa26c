import MartletLogic

/// A document that is an archive of parts in XML or HTML.
struct ArchiveReading {
    let type: ContentType
    let archive: ZipArchive
    let reading: Reading

    /// Reads a part of the text that has to be there.
    func xml(_ name: String, _ handler: some MarkupHandler) throws {
        try xml(name, atMost: reading.limits.unpackedBytes, handler)
    }

    /// Reads a part that says something about the others, and has to be there: what it lists is kept in memory.
    func list(_ name: String, _ handler: some MarkupHandler) throws {
        try xml(name, atMost: reading.limits.wholeBytes, handler)
    }

    private func xml(_ name: String, atMost limit: Int, _ handler: some MarkupHandler) throws {
        let parser = try MarkupParser(.xml, handler, reading)
        do {
            try archive.unpack(name, atMost: limit) { try parser.take($0) }
            try parser.finish()
        } catch let error as MarkupParser.Malformed {
            throw reading.unreadable(as: type, "line \(error.line) of its part \(name) is no XML")
        }
    }

    /// As ``list(_:_:)``, if it is there.
    func optionalList(_ name: String, _ handler: some MarkupHandler) throws {
        if archive.contains(name) { try list(name, handler) }
    }

    /// The parts that a part of an Office document refers to, by their ids.
    func relations(of part: String) throws -> [String: PackageRelation] {
        let (folder, file) = ArchivePath.split(part)
        let relations = PackageRelations(folder: folder)
        try optionalList(folder + "_rels/" + file + ".rels", relations)
        return relations.all
    }

    /// Title and author, as Office documents say them.
    func properties() throws -> DocumentProperties {
        let properties = DocumentProperties()
        try optionalList("docProps/core.xml", properties)
        return properties
    }
}

struct PackageRelation {
    /// The last word of the type's URL: `slide`.
    var type: String
    /// An entry's name.
    var target: String
}

/// A `.rels` part.
final class PackageRelations: MarkupHandler {
    private(set) var all: [String: PackageRelation] = [:]
    private let folder: String

    init(folder: String) { self.folder = folder }

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        guard name == "Relationship", attributes["TargetMode"] != "External", let id = attributes["Id"],
            let type = attributes["Type"]?.split(separator: "/").last, let target = attributes["Target"]
        else { return }
        all[id] = PackageRelation(type: String(type), target: ArchivePath.join(folder, target))
    }

    func end(_ name: String) {}
    func text(_ text: String) {}
}

/// Dublin Core's words about a document: of Office, OpenDocument and EPUB alike.
final class DocumentProperties: MarkupHandler {
    private(set) var title: String?
    private(set) var author: String?
    private var words: String?

    var metadata: [String: MetadataValue] { author.map { ["author": .text($0)] } ?? [:] }

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        if ["title", "creator"].contains(name) { words = "" }
    }

    func end(_ name: String) {
        guard let found = words, ["title", "creator"].contains(name) else { return }
        words = nil
        let shown = found.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard !shown.isEmpty else { return }
        if name == "title" { title = title ?? shown } else { author = author ?? DocumentText.name(shown) }
    }

    func text(_ text: String) { words? += text }
}
