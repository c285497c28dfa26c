/// Finds the pieces that a text begins with, byte by byte.
///
/// One table of edges, hashed by the node they leave and the byte they bear: the whole of a vocabulary of 128,000
/// pieces in a few megabytes.
struct PieceTrie: Sendable {
    static let root: UInt32 = 0

    /// The node and its byte in the upper half, where they lead in the lower one; 0: free. No edge leads to the root.
    private var edges = [UInt64](repeating: 0, count: 1 << 10)
    /// The piece that ends at each node; -1: none.
    private var pieces: [Int32] = [-1]

    /// A piece that is there already gets the new number.
    mutating func insert(_ piece: [UInt8], as number: Int32) {
        var node = Self.root
        for byte in piece {
            if let next = child(of: node, byte) {
                node = next
                continue
            }
            let next = UInt32(pieces.count)
            pieces.append(-1)
            if pieces.count * 2 > edges.count { grow() }
            let key = node << 8 | UInt32(byte)
            edges[free(for: key, in: edges)] = UInt64(key) << 32 | UInt64(next)
            node = next
        }
        pieces[Int(node)] = number
    }

    func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
        let key = node << 8 | UInt32(byte)
        var place = Self.hash(key) & (edges.count - 1)
        while edges[place] != 0 {
            if UInt32(truncatingIfNeeded: edges[place] >> 32) == key { return UInt32(truncatingIfNeeded: edges[place]) }
            place = (place + 1) & (edges.count - 1)
        }
        return nil
    }

    /// nil: no piece ends here.
    func piece(at node: UInt32) -> Int32? {
        let piece = pieces[Int(node)]
        return piece < 0 ? nil : piece
    }

    private mutating func grow() {
        var larger = [UInt64](repeating: 0, count: edges.count * 2)
        for edge in edges where edge != 0 {
            larger[free(for: UInt32(truncatingIfNeeded: edge >> 32), in: larger)] = edge
        }
        edges = larger
    }

    private func free(for key: UInt32, in edges: [UInt64]) -> Int {
        var place = Self.hash(key) & (edges.count - 1)
        while edges[place] != 0 { place = (place + 1) & (edges.count - 1) }
        return place
    }

    private static func hash(_ key: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(key) &* 0x9e37_79b9_7f4a_7c15) >> 32)
    }
}
