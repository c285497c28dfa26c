/// A value in storage of its own, for a large part that its owner has only for a while: ten thousand streams wait at a
/// time, and each would carry the room for it.
final class Boxed<Value> {
    var value: Value

    init(_ value: Value) {
        self.value = value
    }
}
