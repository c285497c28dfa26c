import CMartlet
import Glibc
package import MartletBase

/// A child of the supervising parent, as the parent sees it: a process and a line to it.
package struct SupervisedChild: Sendable {
    package let pid: Int32
    package let line: HandoverSocket
    /// Why it did not take what it was handed, and was killed.
    package let refusal: MartletError?

    /// What a child may take to begin and to take what it is handed.
    private static let patience: Duration = .seconds(5)

    /// Runs this very binary once more.
    ///
    /// - Parameter files: handed to it over the line, before anything else. A child that does not take them is killed.
    package static func spawn(
        arguments: [String], environment: [String: String], files: [(name: String, descriptor: CInt)]
    ) throws -> SupervisedChild {
        let (parent, child) = try HandoverSocket.pair()
        let pid: Int32
        do {
            defer { child.close() }
            pid = try spawn(arguments, environment.map { "\($0.key)=\($0.value)" }, control: child.descriptor)
        } catch {
            parent.close()
            throw error
        }
        let end = Instant.current + patience
        do throws(MartletError) {
            // Only now: more than the line holds can be given only to somebody who takes it.
            for file in files { try parent.send(.keep(file.name), with: file.descriptor, until: end) }
            try parent.send(.allGiven, until: end)
        } catch {
            kill(pid, SIGKILL)
            return SupervisedChild(pid: pid, line: parent, refusal: error)
        }
        return SupervisedChild(pid: pid, line: parent, refusal: nil)
    }

    /// How it ended; nil while it lives.
    package func ending() -> (status: CInt, signal: CInt)? {
        var status: CInt = 0
        while true {
            // Any child: as the first process of a container the parent inherits what a dead child had started.
            // SAFETY: the call writes the one status.
            let ended = unsafe waitpid(-1, &status, WNOHANG)
            guard ended > 0 else { return nil }
            if ended == pid { return ((status >> 8) & 0xff, status & 0x7f) }
        }
    }

    package func send(signal: CInt) {
        kill(pid, signal)
    }

    private static func spawn(_ arguments: [String], _ environment: [String], control: CInt) throws -> Int32 {
        let lists = (CStrings(arguments), CStrings(environment))
        var pid: Int32 = 0
        // SAFETY: both lists are kept through the call, during which the process id is written.
        let code = withExtendedLifetime(lists) {
            unsafe martlet_spawn("/proc/self/exe", lists.0.pointers, lists.1.pointers, control, &pid)
        }
        guard code == 0 else {
            throw MartletError(.internalError, operation: "start the serving process", cause: systemMessage(code))
        }
        return pid
    }
}

/// Strings as C has them: each terminated, and nil after the last. Freed with this object.
@safe private final class CStrings {
    // SAFETY: whoever reads them keeps this object meanwhile.
    let pointers: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String]) {
        // SAFETY: `strdup` copies terminated strings.
        unsafe pointers = strings.map { unsafe strdup($0) } + [nil]
    }

    deinit {
        // SAFETY: each copy is freed once.
        for unsafe pointer in unsafe pointers { unsafe free(pointer) }
    }
}
