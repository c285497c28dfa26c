import Foundation
import MartletNet
import NIOCore

/// The file that a server was started with: read at the start and at each reload. What was put in force is left with
/// the supervising parent, so that a process which has to start while the file is wrong serves as the one before did.
package struct ConfigurationSource: Sendable {
    package struct Loaded: Sendable {
        package let configuration: Configuration
        fileprivate let text: String
        /// Why the file itself could not be taken.
        package let problem: ConfigurationError?
    }

    private static let name = "configuration"

    private let file: String
    private let environment: [String: String]
    private let keeper: SocketKeeper

    package init(file: String, environment: [String: String], keeper: SocketKeeper) {
        self.file = file
        self.environment = environment
        self.keeper = keeper
    }

    /// What the file says now.
    package func read() throws(ConfigurationError) -> Loaded {
        let text = try Configuration.text(of: file)
        return Loaded(
            configuration: try Configuration.parse(text, file: file, environment: environment), text: text,
            problem: nil)
    }

    /// What the file says, and what the process before this one served by, for when the file is wrong or asks for what
    /// cannot be.
    package func readAtStart() throws(ConfigurationError) -> (now: Loaded, former: Loaded?) {
        let former = former()
        do {
            return (try read(), former)
        } catch {
            guard let former else { throw error }
            return (Loaded(configuration: former.configuration, text: former.text, problem: error), nil)
        }
    }

    private func former() -> Loaded? {
        let file = keeper.take(Self.name).map { FileHandle(fileDescriptor: $0, closeOnDealloc: true) }
        guard let file, (try? file.seek(toOffset: 0)) != nil, let bytes = try? file.readToEnd(),
            let text = String(validating: bytes, as: UTF8.self),
            let configuration = try? Configuration.parse(text, file: self.file, environment: environment)
        else { return nil }
        return Loaded(configuration: configuration, text: text, problem: nil)
    }

    /// It is in force: the next process may fall back on it.
    package func keep(_ loaded: Loaded) {
        let text = ByteBuffer(string: loaded.text)
        guard let memory = try? SharedMemory(Self.name, size: text.readableBytes), memory.write(text, at: 0),
            let file = memory.descriptor
        else { return }
        // The file is closed with its owner.
        withExtendedLifetime(memory) { try? keeper.keep(Self.name, file) }
    }
}
