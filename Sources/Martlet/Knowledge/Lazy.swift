import Synchronization

/// Something that is made when it is first asked for, and once.
final class Lazy<Value: Sendable>: Sendable {
    private let made = Mutex<Value?>(nil)
    private let make: @Sendable () throws -> Value
    private let (comings, told) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameter make: Where it throws, the next who asks has it tried again.
    init(_ make: @escaping @Sendable () throws -> Value) { self.make = make }

    func value() throws -> Value {
        try made.withLock { made in
            if let made { return made }
            let value = try make()
            made = value
            told.yield(value)
            return value
        }
    }

    /// nil: nobody has asked for it.
    var present: Value? { made.withLock { $0 } }

    /// Once somebody has asked for it, for one who waits; nil: its task was cancelled before.
    func coming() async -> Value? {
        for await value in comings { return value }
        return nil
    }
}
