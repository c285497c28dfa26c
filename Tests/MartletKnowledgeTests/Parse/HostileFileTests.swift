import Foundation
import MartletKnowledge
import MartletLogic
import Testing

/// Files that were made to do harm, or came to harm: one error that names them, soon, and nothing else.
@Suite struct HostileFileTests {
    private static let paragraph = "<w:p><w:r><w:t>年假共五天。</w:t></w:r></w:p>"

    @Test func `a part that unpacks to a thousand times its size is refused before it is there`() async throws {
        let bomb = [UInt8](repeating: 0x20, count: 64 << 20)
        let file = zip([
            (Office.contentTypes.name, Array(Office.contentTypes.text.utf8)), ("word/document.xml", bomb),
        ])
        #expect(file.count < 100 << 10)
        let error = await refusal(file, "bomb.docx")
        #expect(error?.code == .tooLarge)
        #expect(error?.message.contains("400 times") == true)
    }

    @Test func `many parts are as bad as one`() async throws {
        var limits = ReadingLimits()
        limits.unpackedBytes = 2 << 20
        let page = "<html><body>" + (0..<20_000).map { "<p>\($0)</p>" }.joined()
        let names = (0..<30).map { "c\($0).html" }
        let items = names.map { "<item id=\"\($0)\" href=\"\($0)\"/>" }.joined()
        let spine = names.map { "<itemref idref=\"\($0)\"/>" }.joined()
        let book = "<package><manifest>\(items)</manifest><spine>\(spine)</spine></package>"
        let container = "<container><rootfile full-path=\"b.opf\"/></container>"
        let file = zip([("META-INF/container.xml", container), ("b.opf", book)] + names.map { ($0, page) })
        #expect(await refusal(file, "b.epub", limits: limits)?.message.contains("2MiB") == true)
        limits = ReadingLimits()
        limits.archiveEntries = 10
        #expect(await refusal(file, "b.epub", limits: limits)?.message.contains("10 parts") == true)
    }

    @Test func `entities that double each other are not expanded`() async throws {
        var laughs = "<!DOCTYPE w:document [<!ENTITY a \"ha\">"
        for (last, next) in zip("abcdefghi", "bcdefghij") {
            laughs += "<!ENTITY \(next) \"" + String(repeating: "&\(last);", count: 10) + "\">"
        }
        laughs += "]><w:document xmlns:w=\"w\"><w:p><w:t>&j;</w:t></w:p></w:document>"
        let file = zip([Office.contentTypes, ("word/document.xml", laughs)])
        #expect(await refusal(file, "laughs.docx")?.message == "laughs.docx cannot be read: it declares entities of its own")
    }

    @Test func `no file of this machine is read for a document`() async throws {
        let outside = "<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><d><p><t>&x;</t></p></d>"
        #expect(await refusal(zip([Office.contentTypes, ("word/document.xml", outside)]), "x.docx")?.code == .unreadable)
        let subset = "<!DOCTYPE d SYSTEM \"file:///etc/passwd\"><d><p><r><t>fine</t></r></p></d>"
        let file = zip([Office.contentTypes, ("word/document.xml", subset)])
        #expect(try await read(file, "y.docx").text.text == "fine")
    }

    @Test func `elements within elements have a bound`() async throws {
        let deep = String(repeating: "<w:p>", count: 100_000)
        #expect(await refusal(Office.word(deep), "deep.docx")?.message.contains("deep") == true)
        #expect(await refusal(Array(("<html>" + String(repeating: "<b>", count: 100_000)).utf8), "b.html") != nil)
        #expect(await refusal(Array(String(repeating: "[", count: 1 << 20).utf8), "a.json")?.code == .unreadable)
    }

    @Test func `a page of open and stray elements takes its time and no more`() async throws {
        var limits = ReadingLimits()
        limits.time = .milliseconds(500)
        let page = "<html>" + String(repeating: "<b>", count: 2000) + String(repeating: "</i></u>", count: 1 << 20)
        let start = ContinuousClock.now
        _ = try? await read(Array(page.utf8), "stray.html", limits: limits)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test(arguments: ["docx", "epub", "pdf"])
    func `a file that was cut off is an error or a shorter text`(kind: String) async throws {
        let whole =
            switch kind {
            case "docx": Office.word(Self.paragraph)
            case "epub":
                zip([
                    ("META-INF/container.xml", "<c><rootfile full-path=\"b\"/></c>"),
                    ("b", "<p><item id=\"1\" href=\"t\"/><itemref idref=\"1\"/></p>"), ("t", "<p>年假</p>"),
                ])
            default: pdf([["Annual leave"], ["Five days."]])
            }
        #expect(try await !read(whole, "whole").text.text.isEmpty)
        let files = try TestFiles()
        let reader = DocumentReader(scratch: files.folder.path)
        // A program is started for each of a PDF's.
        for length in stride(from: 0, to: whole.count, by: kind == "pdf" ? 97 : 7) {
            let file = try files.write(Array(whole.prefix(length)), "cut.\(kind)")
            do { _ = try await reader.read(file) } catch let error as KnowledgeError {
                #expect(error.message.contains("cut.\(kind)"))
            }
        }
        await reader.shutdown()
        #expect(files.openFiles == 0)
    }

    @Test func `a file with one wrong byte is an error or a text`() async throws {
        let whole = Office.word(Self.paragraph)
        let files = try TestFiles()
        let reader = DocumentReader(scratch: files.folder.path)
        for place in stride(from: 0, to: whole.count, by: 3) {
            var damaged = whole
            damaged[place] ^= 0xff
            let file = try files.write(damaged, "damaged.docx")
            do { _ = try await reader.read(file) } catch let error as KnowledgeError {
                #expect(error.message.contains("damaged.docx"))
            }
        }
        await reader.shutdown()
        #expect(files.openFiles == 0)
    }

    @Test func `a part that does not have its checksum is refused`() async throws {
        var file = zip([Office.contentTypes, ("word/document.xml", "<d><p><t>5 days</t></p></d>")], isPacked: false)
        let place = try #require(file.firstRange(of: Array("5 days".utf8))).lowerBound
        file[place] = UInt8(ascii: "6")
        #expect(await refusal(file, "a.docx")?.message.contains("damaged") == true)
    }

    @Test func `names that climb out of the archive are names`() async throws {
        let outside = "../../../../tmp/martlet-climbed"
        let file = zip([
            ("META-INF/container.xml", "<c><rootfile full-path=\"O/b\"/></c>"),
            ("O/b", "<p><item id=\"1\" href=\"../../../etc/passwd\"/><item id=\"2\" href=\"\(outside)\"/>"
                + "<itemref idref=\"1\"/><itemref idref=\"2\"/></p>"),
            (outside, "<p>out</p>"), ("tmp/martlet-climbed", "<p>in</p>"),
        ])
        #expect(try await read(file, "x").text.text == "in")
        #expect(!FileManager.default.fileExists(atPath: "/tmp/martlet-climbed"))
    }

    @Test func `what is nothing, no file or not for us says so`() async throws {
        #expect(await refusal([], "empty.pdf")?.message == "empty.pdf cannot be read: it is empty")
        let old: [UInt8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]
        #expect(await refusal(old, "old.doc")?.message.contains("before 2007") == true)
        #expect(await refusal(zip([("a.txt", "a")]), "a.zip")?.message.contains("unpack it") == true)
        let files = try TestFiles()
        let reader = DocumentReader()
        for path in [files.folder.path, "/dev/zero", files.folder.path + "/none"] {
            await #expect(throws: KnowledgeError.self) { try await reader.read(IncomingFile(name: "a", path: path)) }
        }
        await reader.shutdown()
    }

    @Test func `a file and a text above their bounds are refused`() async throws {
        var limits = ReadingLimits()
        limits.fileBytes = 1 << 10
        let text = [UInt8](repeating: 0x61, count: 200 << 10)
        #expect(await refusal(text, "a.txt", limits: limits)?.code == .tooLarge)
        limits = ReadingLimits()
        limits.textBytes = 64 << 10
        #expect(await refusal(text, "a.txt", limits: limits)?.code == .tooLarge)
        let rows = [UInt8](String(repeating: "a\n", count: 100_000).utf8)
        #expect(await refusal(rows, "a.csv", limits: limits)?.code == .tooLarge)
    }
}

@Suite struct DocumentReaderTests {
    /// Says what it was asked, or what it is made to.
    private struct Recognizer: TextRecognizer {
        var answer: Result<String, KnowledgeError>?

        func text(in path: String, type: ContentType) async throws -> DocumentText {
            DocumentText(text: try answer?.get() ?? "\(type.rawValue) 年假")
        }
    }

    @Test func `a worker that reads pictures is asked`() async throws {
        let files = try TestFiles()
        let reader = DocumentReader(recognizer: Recognizer())
        let found = try await reader.read(files.write([0xff, 0xd8, 0xff, 0xe0], "a.jpg"))
        await reader.shutdown()
        #expect(found.type == .jpeg)
        #expect(found.text.text == "image/jpeg 年假")
    }

    @Test func `an image that no text comes of is one error that names it`() async throws {
        let files = try TestFiles()
        let image = try files.write([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], "scan.png")
        let busy = Recognizer(answer: .failure(KnowledgeError(.overloaded, "the model is busy")))
        let cases: [(Recognizer?, KnowledgeError.Code, String)] = [
            (nil, .unreadable, "knowledge.ocr"), (Recognizer(answer: .success(" \n")), .unreadable, "without words"),
            (busy, .overloaded, "the model is busy"),
        ]
        for (recognizer, code, said) in cases {
            let reader = DocumentReader(recognizer: recognizer)
            let error = await #expect(throws: KnowledgeError.self) { try await reader.read(image) }
            await reader.shutdown()
            #expect(error?.code == code)
            #expect(error?.message.hasPrefix("scan.png cannot be read: ") == true)
            #expect(error?.message.contains(said) == true)
        }
    }

    @Test func `who leaves while a file is read ends the reading`() async throws {
        let files = try TestFiles()
        let row = "a,b\n" + String(repeating: "年假,5\n", count: 2_000_000)
        let file = try files.write(Array(row.utf8), "large.csv")
        let reader = DocumentReader(atOnce: 1)
        let first = Task { try await reader.read(file) }
        let second = Task { try await reader.read(file) }
        first.cancel()
        second.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        await #expect(throws: CancellationError.self) { try await second.value }
        // The turns were given back.
        #expect(try await reader.read(files.write(Array("b".utf8), "b.txt")).text.text == "b")
        await reader.shutdown()
        #expect(files.openFiles == 0)
    }
}
