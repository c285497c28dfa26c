import MartletLogic

/// Reads what this process reads itself, and says what is to be read elsewhere. On a thread that may wait.
enum FileReader {
    enum Found: Sendable {
        case document(ReadDocument)
        case pdf
        case picture(ContentType)
    }

    /// The most that an archive may say of its own type.
    private static let mimetypeBytes = 1 << 10
    private static let headBytes = 4 << 10

    /// What a file is; nil: nothing that we know.
    static func type(of incoming: IncomingFile, _ reading: Reading) throws -> ContentType? {
        let file = try DocumentFile(incoming.path, reading)
        let head = try file.read(at: 0, count: headBytes)
        switch ContentType.head(head[...]) {
        case .type(let type): return type
        case .foreign: return nil
        case .archive: return try type(of: try ZipArchive(file, reading))
        case .text: return ContentType.ofText(head: head[...], name: incoming.name)
        }
    }

    private static func type(of archive: ZipArchive) throws -> ContentType? {
        let mimetype =
            archive.contains("mimetype")
            ? String(decoding: try archive.bytes("mimetype", atMost: mimetypeBytes), as: UTF8.self) : nil
        return ContentType.ofArchive(names: archive.names, mimetype: mimetype)
    }

    static func read(_ incoming: IncomingFile, _ reading: Reading) throws -> Found {
        let file = try DocumentFile(incoming.path, reading)
        let head = try file.read(at: 0, count: headBytes)
        switch ContentType.head(head[...]) {
        case .type(.pdf): return .pdf
        case .type(let picture): return .picture(picture)
        case .foreign(let advice): throw reading.unreadable(advice)
        case .archive: return .document(try archive(file, reading))
        case .text: return .document(try text(file, head, incoming.name, reading))
        }
    }

    private static func archive(_ file: DocumentFile, _ reading: Reading) throws -> ReadDocument {
        let archive = try ZipArchive(file, reading)
        guard let type = try type(of: archive) else {
            throw reading.unreadable("it is an archive, but no document that we know: unpack it first")
        }
        let parts = ArchiveReading(type: type, archive: archive, reading: reading)
        switch type {
        case .word: return try WordReader.read(parts)
        case .sheet: return try SheetReader.read(parts)
        case .slides: return try SlidesReader.read(parts)
        case .openDocument: return try OpenDocumentReader.read(parts)
        default: return try BookReader.read(parts)
        }
    }

    private static func text(
        _ file: DocumentFile, _ raw: [UInt8], _ name: String, _ reading: Reading
    ) throws -> ReadDocument {
        let isPage = ContentType.ofText(head: raw[...], name: name) == .html
        let source = try TextSource(file, reading) { isPage ? HTMLReader.declaredEncoding($0) : nil }
        let head = try source.head()
        let type = ContentType.ofText(head: head[...], name: name)
        switch type {
        case .html: return try HTMLReader.read(source, bytes: file.size, reading)
        case .csv, .tsv: return try CSVReader.read(source, as: type, head: head[...], bytes: file.size, reading)
        case .json:
            if let document = try JSONReader.read(source, reading) { return document }
            // What only begins like JSON is read as it is; what calls itself so should be.
            guard ContentType.ofText(head: [], name: name) != .json else {
                throw reading.unreadable(as: .json, "it is not valid")
            }
            return try PlainTextReader.read(source, as: .text, reading)
        default: return try PlainTextReader.read(source, as: type, reading)
        }
    }
}
