import CMartlet
import Glibc
import MartletBase

/// Signals as bytes of a pipe, for a process that waits for them and for other things at once. One for the process.
package struct SignalPipe: Sendable {
    /// Readable when a signal has come.
    package let descriptor: CInt

    package init(_ signals: [CInt]) throws {
        var ends: [CInt] = [-1, -1]
        // SAFETY: the call writes two descriptors into the two places.
        guard unsafe pipe(&ends) == 0 else { throw Self.failure(errno) }
        for end in ends {
            guard fcntl(end, F_SETFD, FD_CLOEXEC) == 0, fcntl(end, F_SETFL, O_NONBLOCK) == 0 else {
                throw Self.failure(errno)
            }
        }
        descriptor = ends[0]
        for signal in signals {
            let code = martlet_signal_to_pipe(signal, ends[1])
            guard code == 0 else { throw Self.failure(code) }
        }
    }

    /// The signals that came since the last call, in their order.
    package func take() -> [CInt] {
        var bytes = [UInt8](repeating: 0, count: 64)
        // SAFETY: the kernel writes at most `count` bytes.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return count > 0 ? bytes.prefix(count).map { CInt($0) } : []
    }

    private static func failure(_ code: CInt) -> MartletError {
        MartletError(.internalError, operation: "listen to signals", cause: systemMessage(code))
    }
}

/// Waits until one of `descriptors` can be read (or was closed by its other end) or the time is over.
package func waitForInput(_ descriptors: [CInt], milliseconds: CInt) {
    var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    // SAFETY: the kernel reads and writes the entries during the call. A signal ends it early, which does no harm.
    _ = unsafe poll(&entries, nfds_t(entries.count), milliseconds)
}
