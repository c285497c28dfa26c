import MartletLogic
import NIOPosix

/// Reads files of any kind there is a parser for, off the event loops, a few at a time.
///
/// What a file is, its content says. Whatever a file holds, reading it ends in its text or in one `KnowledgeError` that
/// names it; cancelling the caller ends it within moments, the program that reads a PDF included.
package final class DocumentReader: Sendable {
    private let limits: ReadingLimits
    private let scratch: String
    private let pdfProgram: String
    private let recognizer: (any TextRecognizer)?
    private let threads: NIOThreadPool
    private let turns: Turns

    /// - Parameters:
    ///   - atOnce: files that are read at the same time; others wait.
    ///   - scratch: a folder for what is needed while a file is read.
    ///   - pdfProgram: poppler's `pdftotext`, found in `PATH` where it has no slash.
    ///   - recognizer: reads images; nil: they are refused.
    package init(
        limits: ReadingLimits = ReadingLimits(), atOnce: Int = 2, scratch: String = "/tmp",
        pdfProgram: String = "pdftotext", recognizer: (any TextRecognizer)? = nil
    ) {
        self.limits = limits
        self.scratch = scratch
        self.pdfProgram = pdfProgram
        self.recognizer = recognizer
        threads = NIOThreadPool(numberOfThreads: max(1, atOnce))
        threads.start()
        turns = Turns(atOnce)
    }

    /// Ends the threads, as has to be done before this goes. Calls that come later throw.
    package func shutdown() async {
        try? await threads.shutdownGracefully()
    }

    /// - Throws: `KnowledgeError`, `CancellationError`.
    package func read(_ file: IncomingFile) async throws -> ReadDocument {
        try await turns.take {
            let reading = Reading(file.name, limits)
            switch try await onThread(reading, { try FileReader.read(file, reading) }) {
            case .document(let document): return document
            case .pdf: return try await pdf(file, reading)
            case .picture(let type): return try await picture(type, file, reading)
            }
        }
    }

    /// What a file is, without reading it: plain bytes where nobody knows.
    ///
    /// - Throws: `KnowledgeError`, `CancellationError`.
    func type(of file: IncomingFile) async throws -> String {
        let reading = Reading(file.name, limits)
        return try await onThread(reading) { try FileReader.type(of: file, reading) }?.rawValue
            ?? "application/octet-stream"
    }

    private func pdf(_ file: IncomingFile, _ reading: Reading) async throws -> ReadDocument {
        let folder = try ScratchFolder(in: scratch)
        defer { folder.remove() }
        try await PDFProgram.run(pdfProgram, file.path, to: folder.file, reading)
        return try await onThread(reading) { try PDFPages.read(folder.file, reading) }
    }

    private func picture(_ type: ContentType, _ file: IncomingFile, _ reading: Reading) async throws -> ReadDocument {
        guard let recognizer else {
            throw reading.unreadable("it is an image: those are read where `knowledge.ocr` names a model of the server")
        }
        var text: DocumentText
        do {
            text = try await recognizer.text(in: file.path, type: type)
        } catch let error as KnowledgeError {
            throw KnowledgeError(error.code, "\(reading.name) cannot be read: \(error.message)")
        }
        text.text = TextBuilder.text(text.text)
        try reading.check(textBytes: text.text.utf8.count)
        guard text.text.contains(where: { !$0.isWhitespace }) else {
            throw reading.unreadable("it is an image without words")
        }
        return ReadDocument(type: type, text: text)
    }

    /// Runs `body` on a thread of its own; it asks `reading` whether it is still wanted.
    private func onThread<Value: Sendable>(
        _ reading: Reading, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withTaskCancellationHandler {
            try await threads.runIfActive(body)
        } onCancel: {
            reading.stop()
        }
    }
}
