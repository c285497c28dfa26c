import Dispatch
import Glibc
package import MartletBase
import Synchronization

/// Where log lines go. Offering them never blocks, whatever the destination does: one background queue writes, a bound
/// limits what waits for it, and what does not fit is dropped and counted.
package final class LogSink: Sendable {
    package enum Destination: Equatable, Sendable {
        case standardOutput, standardError
        /// Appended to; made when it is not there.
        case file(String)
    }

    /// In one order: what is offered after the file was to be opened again goes into the new one.
    private enum Item {
        case lines([UInt8], count: Int)
        case reopen
    }

    private struct State {
        var waiting: [Item] = []
        var waitingBytes = 0
        var isWriting = false
        var dropped: UInt64 = 0
        /// The errno of the last write and of the last attempt to open the file again; 0: it worked.
        var writeError: CInt = 0
        var openError: CInt = 0
        /// The file ends in the middle of a line.
        var isTorn = false

        /// True: nobody is at it, and the writer has to be called.
        mutating func take(_ item: Item) -> Bool {
            waiting.append(item)
            defer { isWriting = true }
            return !isWriting
        }
    }

    private let destination: Destination
    private let bound: Int
    private let state = Mutex(State())
    private let descriptor: Mutex<Int32>
    private let queue = DispatchQueue(label: "martlet.log")

    /// - Parameter bound: bytes that may wait to be written.
    /// - Throws: `MartletError` when the file cannot be opened.
    package init(_ destination: Destination, bound: Int = 8 << 20) throws(MartletError) {
        self.destination = destination
        self.bound = bound
        do {
            let opened = try Self.open(destination)
            descriptor = Mutex(opened)
            let isTorn = Self.endsMidLine(opened, destination)
            state.withLock { $0.isTorn = isTorn }
        } catch {
            // SAFETY: a C string, copied at once.
            let cause = unsafe String(cString: strerror(error.code))
            throw MartletError(.internalError, operation: "open log file \(error.path)", cause: cause)
        }
    }

    deinit {
        closeOwned(descriptor.withLock { $0 })
    }

    /// Lines lost because the destination was too slow, or refused them.
    package var dropped: UInt64 {
        state.withLock { $0.dropped }
    }

    /// What keeps lines from being written where they belong, in the system's words; nil: nothing.
    package var trouble: String? {
        let (writing, opening) = state.withLock { ($0.writeError, $0.openError) }
        // SAFETY: a C string, copied at once.
        if writing != 0 { return unsafe "\(String(cString: strerror(writing))): lines are lost" }
        // SAFETY: as above.
        return opening == 0
            ? nil : unsafe "\(String(cString: strerror(opening))): not opened again, the former file stays in use"
    }

    /// Takes whole lines. Never blocks.
    package func offer(_ bytes: [UInt8], lines: Int) {
        let isWriterIdle = state.withLock { state in
            guard state.waitingBytes + bytes.count <= bound else {
                state.dropped &+= UInt64(lines)
                return false
            }
            state.waitingBytes += bytes.count
            return state.take(.lines(bytes, count: lines))
        }
        if isWriterIdle { queue.async { self.drain() } }
    }

    /// Opens the file again, after `logrotate` moved it away. A file that cannot be opened leaves the old one in use
    /// (`trouble` says so) until this is asked for again.
    package func reopen() {
        guard case .file = destination else { return }
        if state.withLock({ $0.take(.reopen) }) { queue.async { self.drain() } }
    }

    /// Opens the file again if that was asked for and came to nothing.
    package func retryReopen() {
        if state.withLock({ $0.openError != 0 }) { reopen() }
    }

    /// Waits until what was offered before is written. For the end of the process, never on an event loop.
    /// - Returns: false when `limit` passed first.
    @discardableResult
    package func flush(within limit: Duration = .seconds(1)) -> Bool {
        let done = DispatchSemaphore(value: 0)
        queue.async {
            _ = self.writeBatch()
            done.signal()
        }
        let nanoseconds = Int(clamping: limit.wholeNanoseconds)
        return done.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success
    }

    // MARK: On the background queue

    /// One batch at a time: `flush` gets its turn however much is offered.
    private func drain() {
        if writeBatch() { queue.async { self.drain() } }
    }

    /// False: there was nothing left to do.
    private func writeBatch() -> Bool {
        guard let batch = takeBatch() else { return false }
        for item in batch {
            switch item {
            case .lines(let bytes, let count): write(bytes, lines: count)
            case .reopen: openAgain()
            }
        }
        return true
    }

    private func openAgain() {
        do throws(OpenFailure) {
            let fresh = try Self.open(destination)
            // It may be the same file, or one that another process wrote to.
            let isTorn = Self.endsMidLine(fresh, destination)
            let old = descriptor.withLock { descriptor in
                defer { descriptor = fresh }
                return descriptor
            }
            closeOwned(old)
            state.withLock { state in
                state.openError = 0
                state.isTorn = isTorn
            }
        } catch {
            state.withLock { $0.openError = error.code }
        }
    }

    private func write(_ bytes: [UInt8], lines: Int) {
        let newline = UInt8(ascii: "\n")
        // What was left of a line must not run into this one.
        let isTorn = state.withLock { $0.isTorn }
        let text = isTorn ? [newline] + bytes : bytes
        let (written, code) = PipeSignal.held { write(text) }
        state.withLock { state in
            state.waitingBytes -= bytes.count
            state.writeError = code
            if written > 0 { state.isTorn = text[written - 1] != newline }
            guard code != 0 else { return }
            let whole = text.prefix(written).count { $0 == newline } - (isTorn && written > 0 ? 1 : 0)
            state.dropped &+= UInt64(max(0, lines - whole))
        }
    }

    /// All that waits, so that the lock is held for a moment however much it is; nil when there is nothing left to do.
    private func takeBatch() -> [Item]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isWriting = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// How many bytes got there, and the errno that kept the rest away, or 0.
    private func write(_ bytes: [UInt8]) -> (written: Int, code: CInt) {
        let descriptor = descriptor.withLock { $0 }
        var written = 0
        while written < bytes.count {
            // SAFETY: reads at most the array's bytes, within the closure.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                waitUntilWritable(descriptor)
            } else if errno != EINTR {
                return (written, errno)
            }
        }
        return (written, 0)
    }

    /// Standard output may be a non-blocking pipe that someone else made so.
    private func waitUntilWritable(_ descriptor: Int32) {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&wanted, 1, -1)  // SAFETY: one structure, as the count says.
    }

    private func closeOwned(_ descriptor: Int32) {
        if case .file = destination { close(descriptor) }
    }

    /// Whether what is written next would run into a line that was left unfinished. Of a file that cannot be read it is
    /// not known.
    private static func endsMidLine(_ descriptor: Int32, _ destination: Destination) -> Bool {
        guard case .file(let path) = destination else { return false }
        var facts = stat()
        // SAFETY: one structure, as the type says.
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size > 0 else {
            return false
        }
        // SAFETY: the path lives through the call.
        let reader = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard reader >= 0 else { return false }
        defer { close(reader) }
        var last = UInt8(ascii: "\n")
        // SAFETY: at most the one byte is written.
        return unsafe pread(reader, &last, 1, facts.st_size - 1) == 1 && last != UInt8(ascii: "\n")
    }

    private struct OpenFailure: Error {
        let path: String
        let code: CInt
    }

    private static func open(_ destination: Destination) throws(OpenFailure) -> Int32 {
        switch destination {
        case .standardOutput: return STDOUT_FILENO
        case .standardError: return STDERR_FILENO
        case .file(let path):
            // SAFETY: the path lives through the call.
            let descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
            guard descriptor >= 0 else { throw OpenFailure(path: path, code: errno) }
            return descriptor
        }
    }
}
