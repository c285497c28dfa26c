import Foundation
import Glibc
import MartletKnowledge
import MartletLogic
import Testing

/// Of every format: what a chunk says stands in the document's text just where the chunk says, and its page, sheet,
/// slide or chapter and its headings are those that it begins in.
@Suite struct OffsetTests {
    /// A file of three sections.
    struct Sample: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        /// What each section begins with in the text that is read: nothing of it stands before.
        var marks: [String] = []
        var places: [DocumentPlace?] = [nil, nil, nil]
        var headings: [[String]] = [[], [], []]

        var testDescription: String { name }
    }

    @Test(arguments: try SampleFiles.all) func `chunks are cut at their offsets`(_ sample: Sample) async throws {
        let document = try await read(sample.bytes, sample.name).text
        let scalars = Array(document.text.unicodeScalars)
        let starts = try sample.marks.map { try #require(Self.offset(of: $0, in: document.text)) }
        #expect(document.text.contains(SampleFiles.last), "\(document.text.suffix(200))")
        for (size, overlap) in [(24, 6), (60, 12), (750, 150)] {
            let plain = try #require(HeadingSplitter(size: size, overlap: overlap)).split(document)
            let chatchat = try #require(ChatchatSplitter(size: size, overlap: overlap)).split(document)
            #expect(!plain.isEmpty && !chatchat.isEmpty)
            for chunk in plain { #expect(chunk.text == Self.text(scalars[chunk.range])) }
            for chunk in chatchat {
                let cut = Self.text(scalars[chunk.range])
                // A row is as it is; of running text, several line ends are one.
                #expect(chunk.text == (document.rows.isEmpty ? Self.squeezed(cut) : cut))
            }
            for chunk in plain + chatchat {
                guard let section = starts.lastIndex(where: { $0 <= chunk.range.lowerBound }) else {
                    #expect(starts.isEmpty)
                    continue
                }
                #expect(chunk.place == sample.places[section])
                #expect(chunk.headings == sample.headings[section])
            }
        }
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(scalars))
    }

    private static func squeezed(_ text: String) -> String {
        text.split(separator: /\n+/, omittingEmptySubsequences: false).joined(separator: "\n")
    }

    private static func offset(of mark: String, in text: String) -> Int? {
        text.firstRange(of: mark).map { text.unicodeScalars.distance(from: text.startIndex, to: $0.lowerBound) }
    }
}

/// The same three sections in each format.
enum SampleFiles {
    private static let sections = 1...3
    private static let titles = sections.map { "第\($0)章 年假" }
    /// Ends the last section.
    static let last = "K3-5"

    static var all: [OffsetTests.Sample] {
        get throws { try texts + marked + tables + archives + [page] }
    }

    /// - Parameter isRich: With characters beyond those of the older encodings.
    private static func sentences(_ section: Int, isRich: Bool = true) -> [String] {
        (0..<6).map { number in
            let words = "年假共五天，由人事批准。" + (isRich ? "\u{20BB7}e\u{301}\u{1F469}\u{200d}\u{1F4BB}；" : "")
            return "\(words)五天，K\(section)-\(number)"
        }
    }

    private static func running(isRich: Bool = true) -> String {
        sections.map { section in
            ([titles[section - 1]] + sentences(section, isRich: isRich)).joined(separator: "\r\n")
        }.joined(separator: "\r\n\r\n")
    }

    // MARK: Text

    private static var texts: [OffsetTests.Sample] {
        get throws {
            let (rich, plain) = (running(), running(isRich: false))
            return [
                .init(name: "utf-8.txt", bytes: Array(rich.utf8)),
                .init(
                    name: "utf-16le.txt",
                    bytes: [0xff, 0xfe] + rich.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }),
                .init(
                    name: "utf-16be.txt",
                    bytes: [0xfe, 0xff] + rich.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }),
                .init(name: "gb18030.txt", bytes: try encoded(plain + "\u{20BB7}", as: "GB18030")),
                .init(name: "big5.txt", bytes: try encoded(plain, as: "BIG5")),
            ]
        }
    }

    private static func encoded(_ text: String, as name: String) throws -> [UInt8] {
        // SAFETY: both names live through the call; closed below.
        guard let converter = unsafe iconv_open(name, "UTF-8"), Int(bitPattern: converter) != -1 else {
            throw CocoaError(.fileReadUnknownStringEncoding)
        }
        // SAFETY: opened above, closed once.
        defer { _ = unsafe iconv_close(converter) }
        var (input, output) = (Array(text.utf8), [UInt8](repeating: 0, count: text.utf8.count * 2))
        var (left, free) = (input.count, output.count)
        // SAFETY: iconv reads and writes within the counts that it is given, of arrays that live through the call.
        let code = unsafe input.withUnsafeMutableBytes { input in
            unsafe output.withUnsafeMutableBytes { output in
                var from = unsafe input.baseAddress?.assumingMemoryBound(to: CChar.self)
                var to = unsafe output.baseAddress?.assumingMemoryBound(to: CChar.self)
                return unsafe iconv(converter, &from, &left, &to, &free)
            }
        }
        #expect(code == 0 && left == 0)
        return Array(output.dropLast(free))
    }

    // MARK: Markup

    private static var marked: [OffsetTests.Sample] {
        let headings = titles.map { [$0] }
        let markdown = sections.map { section in
            "# \(titles[section - 1])\n\n" + sentences(section).joined(separator: "\n\n") + "\n\n"
        }
        let html = sections.map { section in
            "<h2>\(titles[section - 1])</h2>" + sentences(section).map { "<p>\($0)</p>\n" }.joined()
        }
        return [
            .init(
                name: "a.md", bytes: Array(markdown.joined().utf8), marks: titles.map { "# " + $0 },
                headings: headings),
            .init(
                name: "a.html", bytes: Array("<html><meta charset=utf-8><body>\(html.joined())</body></html>".utf8),
                marks: titles, headings: headings),
        ]
    }

    // MARK: Tables

    private static var tables: [OffsetTests.Sample] {
        let rows = sections.flatMap { sentences($0) }
        let csv = "编号,内容\r\n" + rows.enumerated().map { "\($0),\"\($1)\"\r\n" }.joined()
        let json = "{" + rows.enumerated().map { "\"k\($0)\": {\"内容\": [\"\($1)\"]}" }.joined(separator: ",") + "}"
        let cells = { (row: Int, values: [String]) in
            "<row r=\"\(row)\">"
                + values.map { "<c t=\"inlineStr\"><is><t>\($0)</t></is></c>" }.joined() + "</row>"
        }
        let sheets = sections.map { section in
            cells(1, ["编号", "内容"])
                + sentences(section).enumerated().map { cells($0 + 2, ["N\(section)-\($0)", $1]) }.joined()
        }
        let names = sections.map { "<sheet name=\"表\($0)\" r:id=\"s\($0)\"/>" }.joined()
        let relations = sections.map { ("s\($0)", "worksheet", "worksheets/\($0).xml") }
        let workbook = zip(
            [
                Office.contentTypes,
                ("xl/workbook.xml", "<workbook xmlns:r=\"r\"><sheets>\(names)</sheets></workbook>"),
                ("xl/_rels/workbook.xml.rels", Office.relations(relations)),
            ] + sections.map { ("xl/worksheets/\($0).xml", "<worksheet>\(sheets[$0 - 1])</worksheet>") })
        return [
            .init(name: "a.csv", bytes: Array(csv.utf8)), .init(name: "a.json", bytes: Array(json.utf8)),
            .init(
                name: "a.xlsx", bytes: workbook, marks: sections.map { "编号: N\($0)-0" },
                places: sections.map { .sheet("表\($0)") }),
        ]
    }

    // MARK: Archives

    private static var archives: [OffsetTests.Sample] {
        let headings = titles.map { [$0] }
        let word = sections.map { section in
            "<w:p><w:pPr><w:outlineLvl w:val=\"0\"/></w:pPr><w:r><w:t>\(titles[section - 1])</w:t></w:r></w:p>"
                + sentences(section).map { "<w:p><w:r><w:t>\($0)</w:t></w:r></w:p>" }.joined()
        }
        let open = sections.map { section in
            "<t:h t:outline-level=\"1\">\(titles[section - 1])</t:h>"
                + sentences(section).map { "<t:p>\($0)</t:p>" }.joined()
        }
        return [
            .init(name: "a.docx", bytes: Office.word(word.joined()), marks: titles, headings: headings),
            .init(
                name: "a.odt",
                bytes: zip([
                    ("mimetype", ContentType.openDocument.rawValue),
                    ("content.xml", "<o xmlns:t=\"t\">\(open.joined())</o>"),
                ]), marks: titles, headings: headings),
            .init(
                name: "a.pptx", bytes: slides, marks: titles, places: sections.map { .slide($0) }, headings: headings),
            .init(
                name: "a.epub", bytes: book, marks: titles, places: titles.map { .chapter($0) }, headings: headings),
        ]
    }

    private static var slides: [UInt8] {
        let paragraphs = { (texts: [String]) in texts.map { "<a:p><a:r><a:t>\($0)</a:t></a:r></a:p>" }.joined() }
        let slides = sections.map { section in
            "<p:sld xmlns:p=\"p\" xmlns:a=\"a\"><p:sp><p:ph type=\"title\"/><p:txBody>"
                + "\(paragraphs([titles[section - 1]]))</p:txBody></p:sp><p:sp><p:txBody>\(paragraphs(sentences(section)))</p:txBody></p:sp></p:sld>"
        }
        let ids = sections.map { "<p:sldId r:id=\"s\($0)\"/>" }.joined()
        return zip(
            [
                Office.contentTypes,
                ("ppt/presentation.xml", "<p:presentation xmlns:p=\"p\" xmlns:r=\"r\">\(ids)</p:presentation>"),
                (
                    "ppt/_rels/presentation.xml.rels",
                    Office.relations(sections.map { ("s\($0)", "slide", "slides/\($0).xml") })
                ),
            ] + sections.map { ("ppt/slides/\($0).xml", slides[$0 - 1]) })
    }

    private static var book: [UInt8] {
        let chapters = sections.map { section in
            "<html><body><h1>\(titles[section - 1])</h1>" + sentences(section).map { "<p>\($0)</p>" }.joined()
                + "</body></html>"
        }
        let items = sections.map { "<item id=\"\($0)\" href=\"\($0).xhtml\"/>" }.joined()
        let spine = sections.map { "<itemref idref=\"\($0)\"/>" }.joined()
        return zip(
            [
                ("mimetype", "application/epub+zip"),
                ("META-INF/container.xml", "<container><rootfile full-path=\"b.opf\"/></container>"),
                ("b.opf", "<package><manifest>\(items)</manifest><spine>\(spine)</spine></package>"),
            ] + sections.map { ("\($0).xhtml", chapters[$0 - 1]) }, isPacked: false)
    }

    // MARK: PDF

    private static var page: OffsetTests.Sample {
        let pages = sections.map { section in
            ["Chapter \(section)"] + (0..<6).map { "Annual leave is five days, after a year: K\(section)-\($0)" }
        }
        return .init(
            name: "a.pdf", bytes: pdf(pages), marks: sections.map { "Chapter \($0)" },
            places: sections.map { .page($0) })
    }
}
