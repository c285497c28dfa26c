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

    private struct State {
        var waiting: [(bytes: [UInt8], lines: Int)] = []
        var waitingBytes = 0
        var isWriting = false
        var dropped: UInt64 = 0
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
        descriptor = Mutex(try Self.open(destination))
    }

    deinit {
        closeOwned(descriptor.withLock { $0 })
    }

    /// Lines lost because the destination was too slow, or refused them.
    package var dropped: UInt64 {
        state.withLock { $0.dropped }
    }

    /// Takes whole lines. Never blocks.
    package func offer(_ bytes: [UInt8], lines: Int) {
        let isWriterIdle = state.withLock { state in
            guard state.waitingBytes + bytes.count <= bound else {
                state.dropped &+= UInt64(lines)
                return false
            }
            state.waiting.append((bytes, lines))
            state.waitingBytes += bytes.count
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isWriterIdle {
            queue.async { self.drain() }
        }
    }

    /// Opens the file again, after `logrotate` moved it away. A file that cannot be opened leaves the old one in use.
    package func reopen() {
        guard case .file = destination else { return }
        queue.async { [self] in
            guard let fresh = try? Self.open(destination) else { return }
            let old = descriptor.withLock { descriptor in
                defer { descriptor = fresh }
                return descriptor
            }
            closeOwned(old)
        }
    }

    /// Waits until what was offered before is written. For the end of the process, never on an event loop.
    /// - Returns: false when `limit` passed first.
    @discardableResult
    package func flush(within limit: Duration = .seconds(1)) -> Bool {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        let nanoseconds = Int(clamping: limit.wholeNanoseconds)
        return done.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success
    }

    // MARK: On the background queue

    private func drain() {
        while let batch = takeBatch() {
            for (bytes, lines) in batch {
                let isWritten = PipeSignal.held { write(bytes) }
                state.withLock { state in
                    state.waitingBytes -= bytes.count
                    if !isWritten { state.dropped &+= UInt64(lines) }
                }
            }
        }
    }

    /// All that waits, so that the lock is held for a moment however much it is; nil when there is nothing left to do.
    private func takeBatch() -> [(bytes: [UInt8], lines: Int)]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isWriting = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    private func write(_ bytes: [UInt8]) -> Bool {
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
                return false
            }
        }
        return true
    }

    /// Standard output may be a non-blocking pipe that someone else made so.
    private func waitUntilWritable(_ descriptor: Int32) {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&wanted, 1, -1)  // SAFETY: one structure, as the count says.
    }

    private func closeOwned(_ descriptor: Int32) {
        if case .file = destination { close(descriptor) }
    }

    private static func open(_ destination: Destination) throws(MartletError) -> Int32 {
        switch destination {
        case .standardOutput: return STDOUT_FILENO
        case .standardError: return STDERR_FILENO
        case .file(let path):
            // SAFETY: the path lives through the call.
            let descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
            guard descriptor >= 0 else {
                let cause = unsafe String(cString: strerror(errno))  // SAFETY: a C string, copied at once.
                throw MartletError(.internalError, operation: "open log file \(path)", cause: cause)
            }
            return descriptor
        }
    }
}
