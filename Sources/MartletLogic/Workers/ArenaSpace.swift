/// Which parts of a shared arena hold a body: the books of the side that sends.
///
/// First fit, lowest place first, in whole pages: an arena that is little used touches little memory. Each block has a
/// generation of its own, so that a release that comes late, or twice, frees nothing that was handed out since.
public struct ArenaSpace: Sendable, Equatable {
    public struct Block: Sendable, Equatable {
        public let offset: Int
        /// As asked for, in bytes.
        public let length: Int
        public let generation: UInt32

        fileprivate var end: Int { offset + (length + ArenaSpace.page - 1) / ArenaSpace.page * ArenaSpace.page }
    }

    private static let page = 4096

    public let size: Int
    /// By offset.
    private var blocks: [Block] = []
    private var lastGeneration: UInt32 = 0

    /// - Parameter size: in bytes.
    public init(size: Int) {
        self.size = size
    }

    public var isEmpty: Bool { blocks.isEmpty }

    /// Bytes of all bodies that are there.
    public var usedBytes: Int { blocks.reduce(0) { $0 + $1.length } }

    /// nil: there is no room for so many bytes in one piece.
    public mutating func allocate(_ length: Int) -> Block? {
        guard length > 0, length <= size else { return nil }
        var offset = 0
        var place = blocks.endIndex
        for (index, block) in blocks.enumerated() {
            guard block.offset - offset < length else {
                place = index
                break
            }
            offset = block.end
        }
        guard size - offset >= length else { return nil }
        lastGeneration &+= 1
        let block = Block(offset: offset, length: length, generation: lastGeneration)
        blocks.insert(block, at: place)
        return block
    }

    /// The receiver is done with a block. False, and nothing done: there is none of this offset and generation.
    @discardableResult
    public mutating func release(offset: Int, generation: UInt32) -> Bool {
        guard let index = blocks.firstIndex(where: { $0.offset == offset && $0.generation == generation }) else {
            return false
        }
        blocks.remove(at: index)
        return true
    }
}
