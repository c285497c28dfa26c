import Foundation
import MartletKnowledge
import MartletLogic
import Testing

@Suite struct PDFReaderTests {
    @Test func `pages are places, and the title is the document's own`() async throws {
        let file = pdf([["Annual leave", "Five days."], [], ["Page three"]], title: "Rules & <Leave>")
        let found = try await read(file, "rules.docx")
        #expect(found.type == .pdf)
        #expect(found.text.title == "Rules & <Leave>")
        #expect(found.metadata == ["pages": .number(3), "author": .text("A. Tester")])
        #expect(found.text.parts.map(\.place) == [.page(1), .page(2), .page(3)])
        let parts = found.text.parts.map { $0.text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        #expect(parts == ["Annual leave Five days.", "", "Page three"])
        #expect(!found.text.text.contains("\u{0c}"))
    }

    @Test func `pages without words are said to be pictures`() async throws {
        #expect(await refusal(pdf([[], []]), "scan.pdf")?.message.contains("pictures") == true)
    }

    @Test func `a damaged file is one error`() async throws {
        #expect(await refusal(Array("%PDF-1.7\nnothing".utf8), "a.pdf")?.code == .unreadable)
    }
}

/// With programs in the place of `pdftotext`.
@Suite struct PDFProgramTests {
    private let files: TestFiles
    private let document: IncomingFile

    init() throws {
        files = try TestFiles()
        document = try files.write(pdf([["a"]]), "a.pdf")
    }

    private func reader(_ script: String, _ limits: ReadingLimits = ReadingLimits()) throws -> DocumentReader {
        let program = files.folder.appending(path: UUID().uuidString)
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program.path)
        return DocumentReader(limits: limits, scratch: files.folder.path, pdfProgram: program.path)
    }

    private func refusal(_ script: String, _ limits: ReadingLimits = ReadingLimits()) async throws -> KnowledgeError? {
        let reader = try reader(script, limits)
        let error = await #expect(throws: KnowledgeError.self) { try await reader.read(document) }
        await reader.shutdown()
        #expect(error?.message.hasPrefix("a.pdf ") == true)
        #expect(files.openFiles == 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: files.folder.path)
        #expect(!left.contains { $0.hasPrefix("martlet-") })
        return error
    }

    @Test func `a program that never ends is ended`() async throws {
        var limits = ReadingLimits()
        limits.time = .milliseconds(300)
        let error = try await refusal("exec sleep 1000", limits)
        #expect(error?.message == "a.pdf cannot be read: reading it takes longer than 300ms")
    }

    @Test func `a program that computes without end is ended`() async throws {
        var limits = ReadingLimits()
        limits.childSeconds = 1
        #expect(try await refusal("while :; do :; done", limits)?.code == .tooLarge)
    }

    @Test func `a program that writes without end is ended`() async throws {
        var limits = ReadingLimits()
        limits.textBytes = 1 << 20
        #expect(try await refusal(#"for last; do :; done; exec cat /dev/zero >"$last""#, limits)?.code == .tooLarge)
    }

    @Test func `a program that crashes is one error`() async throws {
        #expect(try await refusal("kill -SEGV $$")?.code == .unreadable)
        #expect(try await refusal("exit 1")?.code == .unreadable)
        #expect(try await refusal("exit 0")?.code == .unreadable)
    }

    @Test func `without the program the error says what is missing`() async throws {
        let reader = DocumentReader(scratch: files.folder.path, pdfProgram: "/nowhere/pdftotext")
        let error = await #expect(throws: KnowledgeError.self) { try await reader.read(document) }
        await reader.shutdown()
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("poppler-utils") == true)
    }

    @Test func `who leaves takes the program along`() async throws {
        let line = files.folder.appending(path: "line").path
        let made = unsafe mkfifo(line, 0o600)  // SAFETY: the path lives through the call.
        #expect(made == 0)
        let reader = try reader("echo $$ >\(line); exec sleep 1000")
        let reading = Task { try await reader.read(document) }
        // Opening waits for the program, which says its number.
        let said = try await Task.detached { try FileHandle(forReadingAtPath: line)?.readToEnd() }.value
        let number = String(decoding: said ?? Data(), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        let program = try #require(Int32(number))
        #expect(kill(program, 0) == 0)
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        await reader.shutdown()
        #expect(kill(program, 0) == -1)
        #expect(files.openFiles == 0)
    }
}
