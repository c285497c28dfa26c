import NIOCore

/// The part of a command that came before the rest of it: its bytes, copied once, apart from the input that they came
/// in. Many small pieces would otherwise keep many large input buffers alive. Grows with what came, never with what was
/// announced.
struct HeldArguments: Sendable {
    private var bytes = ByteBuffer()
    private var ends: [Int] = []

    var isEmpty: Bool { ends.isEmpty && bytes.readableBytes == 0 }

    /// Memory in use, in bytes.
    var memoryBytes: Int { isEmpty ? 0 : bytes.storageCapacity + ends.capacity * MemoryLayout<Int>.stride }

    mutating func append(_ argument: ByteBuffer) {
        bytes.writeImmutableBuffer(argument)
        endArgument()
    }

    /// The next bytes of an argument that is not complete, at most `count`; returns how many there were.
    mutating func take(upTo count: Int, from input: inout ByteBuffer) -> Int {
        guard var piece = input.readNonEmptySlice(upTo: count) else { return 0 }
        return bytes.writeBuffer(&piece)
    }

    mutating func endArgument() {
        ends.append(bytes.writerIndex)
    }

    /// The arguments; nothing is held any more.
    mutating func takeAll() -> [ByteBuffer] {
        var start = 0
        let arguments = ends.map { end in
            defer { start = end }
            return bytes.slice(start..<end)
        }
        self = HeldArguments()
        return arguments
    }
}
