/// Names of tasks, queues and keys: what may be part of a key of the broker's.
package enum TaskName {
    /// 1 to 255 bytes, none of them a control character.
    package static func isValid(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }
}
