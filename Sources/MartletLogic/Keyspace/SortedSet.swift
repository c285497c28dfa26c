/// Members in the order of their scores, and of their bytes among equal scores; any rank, score or member in O(log n).
///
/// The entries of one hash table are also the nodes of a weight-balanced tree: no member is kept twice, and one costs
/// about 70 bytes beside its own bytes. Neither side of a node weighs more than three times the other.
struct SortedSet: Sendable {
    struct Node: Sendable {
        var score: Double
        fileprivate var left = SortedSet.none
        fileprivate var right = SortedSet.none
        /// Nodes from here down, this one included.
        fileprivate var size: Int32 = 1

        fileprivate init(_ score: Double) { self.score = score }
    }

    private static let none: Int32 = -1
    private static let heaviest = 3
    private static let heavyInside = 2

    private(set) var table = Table<Node>()
    private var root = none

    var count: Int { table.count }
    var isEmpty: Bool { table.isEmpty }

    func score(of member: Bytes) -> Double? { table.find(member).map { table.entries[$0].value.score } }

    /// How many come before a member; nil when it is not here.
    func rank(of member: Bytes) -> Int? {
        table.find(member).map { index in
            let target = Int32(index)
            return partition { precedes($0, target) }
        }
    }

    /// How many elements there are at the beginning of which this is true: it is true for a first part of them only.
    func firstCount(where isBefore: (Bytes, Double) -> Bool) -> Int {
        partition { isBefore(table.entries[Int($0)].key, table.entries[Int($0)].value.score) }
    }

    /// The elements of these ranks, in order.
    func elements(in ranks: Range<Int>) -> [Mutation.Scored] {
        var found: [Mutation.Scored] = []
        found.reserveCapacity(ranks.count)
        walk(root, firstRank: 0, ranks: ranks, into: &found)
        return found
    }

    /// - Returns: whether the member is new.
    @discardableResult
    mutating func set(_ member: Bytes, score: Double) -> Bool {
        if let index = table.find(member) {
            let node = Int32(index)
            guard self[node].score != score else { return false }
            root = removing(node, from: root)
            self[node] = Node(score)
            root = inserting(node, into: root)
            return false
        }
        table.insert(member, Node(score))
        root = inserting(Int32(table.count - 1), into: root)
        return true
    }

    /// - Returns: whether it was here.
    @discardableResult
    mutating func remove(_ member: Bytes) -> Bool {
        guard let index = table.find(member) else { return false }
        root = removing(Int32(index), from: root)
        let last = Int32(table.count - 1)
        if Int32(index) != last { relink(last, to: Int32(index)) }
        table.remove(at: index)
        return true
    }

    // MARK: - Looking

    private subscript(node: Int32) -> Node {
        get { table.entries[Int(node)].value }
        set { table.entries[Int(node)].value = newValue }
    }

    private func size(_ node: Int32) -> Int { node == Self.none ? 0 : Int(self[node].size) }

    private func precedes(_ left: Int32, _ right: Int32) -> Bool {
        let scores = (self[left].score, self[right].score)
        guard scores.0 == scores.1 else { return scores.0 < scores.1 }
        return table.entries[Int(left)].key < table.entries[Int(right)].key
    }

    private func partition(_ isBefore: (Int32) -> Bool) -> Int {
        var before = 0
        var node = root
        while node != Self.none {
            if isBefore(node) {
                before += size(self[node].left) + 1
                node = self[node].right
            } else {
                node = self[node].left
            }
        }
        return before
    }

    private func walk(_ node: Int32, firstRank: Int, ranks: Range<Int>, into found: inout [Mutation.Scored]) {
        guard node != Self.none, firstRank < ranks.upperBound, firstRank + size(node) > ranks.lowerBound else { return }
        let rank = firstRank + size(self[node].left)
        walk(self[node].left, firstRank: firstRank, ranks: ranks, into: &found)
        if ranks.contains(rank) { found.append(Mutation.Scored(table.entries[Int(node)].key, self[node].score)) }
        walk(self[node].right, firstRank: rank + 1, ranks: ranks, into: &found)
    }

    // MARK: - Changing

    private mutating func inserting(_ new: Int32, into node: Int32) -> Int32 {
        guard node != Self.none else { return new }
        if precedes(new, node) {
            self[node].left = inserting(new, into: self[node].left)
        } else {
            self[node].right = inserting(new, into: self[node].right)
        }
        return balanced(node)
    }

    private mutating func removing(_ target: Int32, from node: Int32) -> Int32 {
        if node == target { return joined(self[node].left, self[node].right) }
        if precedes(target, node) {
            self[node].left = removing(target, from: self[node].left)
        } else {
            self[node].right = removing(target, from: self[node].right)
        }
        return balanced(node)
    }

    /// One tree of two, of which the first comes before the second.
    private mutating func joined(_ left: Int32, _ right: Int32) -> Int32 {
        if left == Self.none { return right }
        if right == Self.none { return left }
        let top = outermost(size(left) > size(right) ? left : right, isRight: size(left) > size(right))
        let sides = size(left) > size(right) ? (removing(top, from: left), right) : (left, removing(top, from: right))
        self[top].left = sides.0
        self[top].right = sides.1
        return balanced(top)
    }

    private func outermost(_ node: Int32, isRight: Bool) -> Int32 {
        var node = node
        while true {
            let next = isRight ? self[node].right : self[node].left
            if next == Self.none { return node }
            node = next
        }
    }

    private mutating func balanced(_ node: Int32) -> Int32 {
        let left = self[node].left
        let right = self[node].right
        let weights = (size(left) + 1, size(right) + 1)
        self[node].size = Int32(weights.0 + weights.1 - 1)
        guard weights.0 + weights.1 > 3 else { return node }
        if weights.1 > Self.heaviest * weights.0 {
            if size(self[right].left) + 1 >= Self.heavyInside * (size(self[right].right) + 1) {
                self[node].right = rotatedRight(right)
            }
            return rotatedLeft(node)
        }
        if weights.0 > Self.heaviest * weights.1 {
            if size(self[left].right) + 1 >= Self.heavyInside * (size(self[left].left) + 1) {
                self[node].left = rotatedLeft(left)
            }
            return rotatedRight(node)
        }
        return node
    }

    private mutating func rotatedLeft(_ node: Int32) -> Int32 {
        let top = self[node].right
        self[node].right = self[top].left
        self[top].left = node
        resize(node, below: top)
        return top
    }

    private mutating func rotatedRight(_ node: Int32) -> Int32 {
        let top = self[node].left
        self[node].left = self[top].right
        self[top].right = node
        resize(node, below: top)
        return top
    }

    private mutating func resize(_ node: Int32, below top: Int32) {
        self[top].size = self[node].size
        self[node].size = Int32(size(self[node].left) + size(self[node].right) + 1)
    }

    /// Who points to an entry points to another place: the table is about to move it there.
    private mutating func relink(_ node: Int32, to place: Int32) {
        guard root != node else {
            root = place
            return
        }
        var parent = root
        while true {
            if precedes(node, parent) {
                guard self[parent].left != node else {
                    self[parent].left = place
                    return
                }
                parent = self[parent].left
            } else {
                guard self[parent].right != node else {
                    self[parent].right = place
                    return
                }
                parent = self[parent].right
            }
        }
    }
}

extension SortedSet: Equatable {
    /// The same members with the same scores.
    static func == (left: SortedSet, right: SortedSet) -> Bool {
        left.count == right.count && left.table.entries.allSatisfy { right.score(of: $0.key) == $0.value.score }
    }
}
