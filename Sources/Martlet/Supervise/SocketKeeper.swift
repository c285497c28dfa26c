import Dispatch
import Glibc
import MartletNet
import Synchronization

/// What this process leaves with its supervising parent, for the one that comes after it: listening sockets, by name,
/// and the last configuration that was good.
///
/// Without a parent it keeps nothing and gives nothing.
package final class SocketKeeper: Sendable {
    private let line: HandoverSocket?
    private let inherited: Mutex<[String: CInt]>

    /// Without a parent.
    package init() {
        line = nil
        inherited = Mutex([:])
    }

    /// Takes what the parent hands over, before anything else uses descriptors.
    init(parent line: HandoverSocket) {
        self.line = line
        var files: [String: CInt] = [:]
        while let received = line.receive(waits: true), received.message != .allGiven {
            if case .keep(let name) = received.message, let file = received.descriptor { files[name] = file }
        }
        inherited = Mutex(files)
        endWithParent(line)
    }

    /// Nobody would start this process again, and its sockets would be in the way of whoever comes next.
    private func endWithParent(_ line: HandoverSocket) {
        // Readable when the parent is gone: it says nothing once everything is handed over.
        let end = DispatchSource.makeReadSource(fileDescriptor: line.descriptor)
        // Kept by its own handler until then.
        end.setEventHandler {
            end.cancel()
            kill(getpid(), SIGTERM)
        }
        end.activate()
    }

    /// What the process before left under this name, once. The caller owns it from now on; the parent keeps its copy.
    package func take(_ name: String) -> CInt? {
        inherited.withLock { $0.removeValue(forKey: name) }
    }

    /// Not wanted after all, but perhaps by who tries next.
    func putBack(_ name: String, _ file: CInt) {
        inherited.withLock { $0[name] = file }
    }

    /// Leaves a copy with the parent.
    package func keep(_ name: String, _ file: CInt) throws {
        try line?.send(.keep(name), with: file)
    }

    /// The parent closes its copy.
    package func drop(_ name: String) {
        try? line?.send(.drop(name))
    }

    /// This process serves. What it was handed and did not take is dropped: the configuration changed meanwhile.
    package func ready() {
        let left = inherited.withLock { files in
            defer { files = [:] }
            return files
        }
        for (name, file) in left {
            close(file)
            drop(name)
        }
        try? line?.send(.ready)
    }
}
