import MartletNet
import Synchronization

/// Keeps what a child says.
final class LineRecorder: Sendable {
    private let lines = Mutex<[String]>([])
    private let identifier = Mutex<Int32?>(nil)

    var all: [String] { lines.withLock { $0 } }
    var pid: Int32? { identifier.withLock { $0 } }

    @Sendable func started(_ pid: Int32) {
        identifier.withLock { $0 = pid }
    }

    @Sendable func record(_ stream: ChildStream, _ line: String) {
        lines.withLock { $0.append("\(stream.rawValue) \(line)") }
    }

    /// The numbers that lines of the form `stdout NAME NUMBER` gave.
    func number(_ name: String) -> Int32? {
        all.lazy.compactMap { line in
            let words = line.split(separator: " ")
            return words.count == 3 && words[1] == name ? Int32(words[2]) : nil
        }.first
    }
}
