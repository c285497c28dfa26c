import CZlib
import Foundation
import MartletKnowledge
import MartletLogic
import Testing

/// Files of a test, in a folder that goes with it.
final class TestFiles: Sendable {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "martlet-parse-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func write(_ bytes: [UInt8], _ name: String) throws -> IncomingFile {
        let place = folder.appending(path: UUID().uuidString)
        try Data(bytes).write(to: place)
        return IncomingFile(name: name, path: place.path)
    }

    /// How many of this process' descriptors are files in the folder.
    var openFiles: Int {
        let links = "/proc/self/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: links)) ?? []
        return names.count {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(links)/\($0)"))?.hasPrefix(folder.path) == true
        }
    }
}

/// Reads bytes as a file of that name.
func read(_ bytes: [UInt8], _ name: String, limits: ReadingLimits = ReadingLimits()) async throws -> ReadDocument {
    let files = try TestFiles()
    let reader = DocumentReader(limits: limits, scratch: files.folder.path)
    let result: Result<ReadDocument, any Error>
    do { result = .success(try await reader.read(files.write(bytes, name))) } catch { result = .failure(error) }
    await reader.shutdown()
    #expect(files.openFiles == 0)
    return try result.get()
}

func read(_ text: String, _ name: String) async throws -> ReadDocument {
    try await read(Array(text.utf8), name)
}

/// The error that reading ends in; anything but an error that names the file is a failure of the test.
func refusal(
    _ bytes: [UInt8], _ name: String, limits: ReadingLimits = ReadingLimits(),
    _ location: SourceLocation = #_sourceLocation
) async -> KnowledgeError? {
    let error = await #expect(throws: KnowledgeError.self, sourceLocation: location) {
        try await read(bytes, name, limits: limits)
    }
    #expect(error?.message.contains(name) == true, sourceLocation: location)
    return error
}

extension DocumentText {
    /// What stands from an offset on.
    func from(_ offset: Int, _ count: Int = .max) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.dropFirst(offset).prefix(count)))
    }

    /// Each heading as `level title`, if it stands where it says.
    var outline: [String] {
        headings.map { from($0.offset).hasPrefix($0.title) ? "\($0.level) \($0.title)" : "misplaced: \($0.title)" }
    }

    /// The text of each place.
    var parts: [(place: DocumentPlace, text: String)] {
        places.indices.map { index in
            let end = index + 1 < places.count ? places[index + 1].offset : Int.max
            return (places[index].place, from(places[index].offset, end - places[index].offset))
        }
    }
}

/// A ZIP archive with these entries, in this order.
func zip(_ entries: [(name: String, text: String)], isPacked: Bool = true) -> [UInt8] {
    zip(entries.map { ($0.name, Array($0.text.utf8)) }, isPacked: isPacked)
}

func zip(_ entries: [(name: String, bytes: [UInt8])], isPacked: Bool = true) -> [UInt8] {
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in entries {
        let packed = isPacked ? deflated(bytes) : bytes
        let sizes = number(checksum(bytes), 4) + number(packed.count, 4) + number(bytes.count, 4)
        let head = number(isPacked ? 8 : 0, 2) + number(0, 4) + sizes + number(name.utf8.count, 2) + number(0, 2)
        directory += number(0x0201_4b50, 4) + number(20, 2) + number(20, 2) + number(0, 2) + head
        directory += number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(archive.count, 4) + name.utf8
        archive += number(0x0403_4b50, 4) + number(20, 2) + number(0, 2) + head + name.utf8 + packed
    }
    let end = number(0x0605_4b50, 4) + number(0, 4) + number(entries.count, 2) + number(entries.count, 2)
    return archive + directory + end + number(directory.count, 4) + number(archive.count, 4) + number(0, 2)
}

private func number(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

private func checksum(_ bytes: [UInt8]) -> Int {
    // SAFETY: as many bytes as there are.
    unsafe bytes.withUnsafeBufferPointer { unsafe Int(crc32(0, $0.baseAddress, UInt32($0.count))) }
}

private func deflated(_ bytes: [UInt8]) -> [UInt8] {
    var packed = [UInt8](repeating: 0, count: Int(compressBound(UInt(bytes.count))))
    var count = UInt(packed.count)
    // SAFETY: as many bytes as there are; there is room for as many as there can be.
    let code = unsafe compress2(&packed, &count, bytes, UInt(bytes.count), 9)
    #expect(code == Z_OK)
    // Without zlib's own head and checksum.
    return Array(packed[2..<Int(count) - 4])
}

/// The parts of an Office document, as Word and the others write them.
enum Office {
    private static let types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    static let contentTypes = (
        name: "[Content_Types].xml",
        text: #"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#
    )

    static func relations(_ all: [(id: String, type: String, target: String)]) -> String {
        let rows = all.map { #"<Relationship Id="\#($0.id)" Type="\#(types)/\#($0.type)" Target="\#($0.target)"/>"# }
        return #"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">"#
            + rows.joined() + "</Relationships>"
    }

    /// A DOCX whose body is `body`.
    static func word(_ body: String, _ more: [(name: String, text: String)] = []) -> [UInt8] {
        let space = #"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main""#
        let document = "<w:document \(space)><w:body>\(body)</w:body></w:document>"
        let relations = relations([
            ("rId1", "styles", "styles.xml"), ("rId2", "footnotes", "footnotes.xml"),
        ])
        return zip(
            [contentTypes, ("word/document.xml", document), ("word/_rels/document.xml.rels", relations)] + more)
    }
}

/// A PDF whose pages show these lines.
func pdf(_ pages: [[String]], title: String = "") -> [UInt8] {
    var objects = ["<< /Type /Catalog /Pages 2 0 R >>"]
    let kids = pages.indices.map { "\(4 + $0 * 2) 0 R" }.joined(separator: " ")
    objects.append("<< /Type /Pages /Kids [\(kids)] /Count \(pages.count) >>")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for (index, lines) in pages.enumerated() {
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F 3 0 R >> >> "
                + "/Contents \(5 + index * 2) 0 R >>")
        let shown = lines.map { "(\($0)) Tj 0 -20 Td" }.joined(separator: "\n")
        let content = "BT /F 12 Tf 50 750 Td\n\(shown)\nET"
        objects.append("<< /Length \(content.utf8.count) >>\nstream\n\(content)\nendstream")
    }
    objects.append("<< /Title (\(title)) /Author (A. Tester) >>")
    var file = "%PDF-1.4\n"
    var offsets: [Int] = []
    for (index, object) in objects.enumerated() {
        offsets.append(file.utf8.count)
        file += "\(index + 1) 0 obj\n\(object)\nendobj\n"
    }
    let table = file.utf8.count
    file += "xref\n0 \(objects.count + 1)\n0000000000 65535 f \n"
    for offset in offsets { file += String(repeating: "0", count: 10 - "\(offset)".count) + "\(offset) 00000 n \n" }
    file += "trailer\n<< /Size \(objects.count + 1) /Root 1 0 R /Info \(objects.count) 0 R >>\n"
    return Array((file + "startxref\n\(table)\n%%EOF\n").utf8)
}
