import Glibc
import MartletBase
import MartletLogic
import MartletNet

/// poppler's `pdftotext`: a program of its own, which may crash, loop or grow without harm to this one.
enum PDFProgram {
    /// Reads a PDF and writes what ``PDFPages`` reads.
    static func run(_ program: String, _ path: String, to output: String, _ reading: Reading) async throws {
        let limits = reading.limits
        let child = ChildProcess(
            ChildCommand(
                // The head that it writes for HTML says the title.
                arguments: [program, "-q", "-htmlmeta", "-enc", "UTF-8", "-eol", "unix", absolute(path), output],
                addressSpaceBytes: limits.childBytes, openFiles: 64, cpuSeconds: limits.childSeconds,
                // That head and the form feeds are not of the text.
                fileBytes: limits.textBytes + (1 << 20)))
        let exit = await withTaskGroup(of: Exit.self) { group in
            group.addTask { .ended(await child.run(onStart: { _ in }, onLine: { _, _ in })) }
            group.addTask {
                try? await Task.sleep(for: limits.time)
                return .overdue
            }
            defer { group.cancelAll() }
            return await group.next() ?? .overdue
        }
        try Task.checkCancellation()
        try check(exit, reading)
    }

    private enum Exit {
        case ended(ChildExit)
        case overdue
    }

    private static func check(_ exit: Exit, _ reading: Reading) throws {
        switch exit {
        case .ended(.exited(code: 0)): return
        case .overdue: throw reading.tookTooLong
        case .ended(.signalled(SIGXCPU)):
            throw reading.tooLarge("reading it takes more than \(reading.limits.childSeconds) s of a processor")
        case .ended(.signalled(SIGXFSZ)):
            throw reading.tooLarge("its text is longer than \(ByteCount.text(reading.limits.textBytes))")
        case .ended(.exited(code: 1)): throw reading.unreadable(as: .pdf, "it is damaged, or has a password")
        case .ended(.exited(code: 3)): throw reading.unreadable(as: .pdf, "it does not allow its text to be copied")
        case .ended(.exited(code: 127)), .ended(.notStarted):
            throw KnowledgeError(
                .unavailable, "\(reading.name) cannot be read: PDF needs the program pdftotext (poppler-utils)")
        case .ended(.exited), .ended(.signalled):
            throw reading.unreadable(as: .pdf, "the program that reads it gave up (\(exit))")
        }
    }

    /// A name that begins with a dash, or that poppler takes for a descriptor, would not be a file to it.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        // SAFETY: the path lives through the call, which allocates its answer; it is freed once.
        guard let found = unsafe realpath(path, nil) else { return "./" + path }
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }
}
