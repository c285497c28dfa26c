public import MartletWire

/// Pieces of a stream that make up a whole.
public protocol Joinable {
    /// This followed by `next`.
    func joined(with next: Self) -> Self
}

extension String: Joinable {
    public func joined(with next: String) -> String { self + next }
}

extension Array: Joinable {
    public func joined(with next: [Element]) -> [Element] { self + next }
}

extension Dictionary: Joinable {
    /// Values of one name that can be joined are; of others the later one stays.
    public func joined(with next: [Key: Value]) -> [Key: Value] {
        merging(next) { whole($0, $1) }
    }
}

extension JSONValue: Joinable {
    /// Text, lists and objects are joined; of others the later one stays.
    public func joined(with next: JSON) -> JSON {
        switch (self, next) {
        case (.string(let first), .string(let second)): .string(first + second)
        case (.array(let first), .array(let second)): .array(first + second)
        case (.object(let first), .object(let second)): .object(first.joined(with: second))
        default: next
        }
    }
}

/// What the pieces so far and the next one make up: the next one, where they are of no kind that can be joined.
func whole<Piece>(_ first: Piece?, _ next: Piece) -> Piece {
    guard let first = first as? any Joinable else { return next }
    return join(first, next) as? Piece ?? next
}

private func join<Piece: Joinable>(_ first: Piece, _ next: Any) -> Any {
    (next as? Piece).map { first.joined(with: $0) } ?? next
}
