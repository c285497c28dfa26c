/// A list in one block of memory that goes round: both ends in one step, any place by its number.
struct Ring: Sendable {
    private static let smallest = 4

    /// A power of two of slots, or none. Those that are free hold no bytes.
    private var slots: [Bytes] = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    subscript(index: Int) -> Bytes {
        get { slots[slot(index)] }
        set { slots[slot(index)] = newValue }
    }

    mutating func push(_ element: Bytes, at end: Mutation.End) {
        if count == slots.count { resize(to: Swift.max(Self.smallest, 2 * slots.count)) }
        switch end {
        case .left:
            head = slot(-1)
            slots[head] = element
        case .right: slots[slot(count)] = element
        }
        count += 1
    }

    /// The element that was at that end; nil when there is none.
    mutating func pop(_ end: Mutation.End) -> Bytes? {
        guard count > 0 else { return nil }
        let place = end == .left ? head : slot(count - 1)
        let element = slots[place]
        slots[place] = Bytes()
        if end == .left { head = slot(1) }
        count -= 1
        if slots.count > 4 * Self.smallest, count < slots.count / 4 { resize(to: slots.count / 2) }
        return element
    }

    /// Moves the part that is shorter.
    mutating func insert(_ element: Bytes, at index: Int) {
        if index <= count / 2 {
            push(element, at: .left)
            for place in 0..<index { swap(place, place + 1) }
        } else {
            push(element, at: .right)
            for place in stride(from: count - 1, to: index, by: -1) { swap(place, place - 1) }
        }
    }

    /// The places of elements equal to this one, at most `limit`, counted from this end.
    func places(of element: Bytes, limit: Int, from end: Mutation.End) -> [Int] {
        var found: [Int] = []
        for step in 0..<count where found.count < limit {
            let place = end == .left ? step : count - 1 - step
            if self[place] == element { found.append(place) }
        }
        return found
    }

    /// Removes the elements at these places.
    mutating func remove(at places: [Int]) {
        guard !places.isEmpty else { return }
        let gone = Set(places)
        let kept = (0..<count).filter { !gone.contains($0) }.map { self[$0] }
        self = Ring(kept)
    }

    init() {}

    private init(_ elements: some Sequence<Bytes>) {
        for element in elements { push(element, at: .right) }
    }

    private func slot(_ index: Int) -> Int { (head + index) & (slots.count - 1) }

    private mutating func swap(_ left: Int, _ right: Int) { slots.swapAt(slot(left), slot(right)) }

    private mutating func resize(to size: Int) {
        var moved: [Bytes] = []
        moved.reserveCapacity(size)
        for index in 0..<count { moved.append(self[index]) }
        moved.append(contentsOf: repeatElement(Bytes(), count: size - count))
        slots = moved
        head = 0
    }
}

extension Ring: RandomAccessCollection, Equatable {
    var startIndex: Int { 0 }
    var endIndex: Int { count }

    static func == (left: Ring, right: Ring) -> Bool { left.elementsEqual(right) }
}
