import Foundation
public import MartletWire

/// What a task was called with: values by place and by name, as JSON.
public struct TaskArguments: Sendable {
    /// By place; in Python `args`.
    public let positional: [JSON]
    /// By name; in Python `kwargs`.
    public let named: Fields

    public init(positional: [JSON] = [], named: Fields = [:]) {
        self.positional = positional
        self.named = named
    }

    init(_ message: TaskMessage) {
        if case .array(let values) = message.args.value { positional = values } else { positional = [] }
        if case .object(let members) = message.kwargs.value { named = members } else { named = [:] }
    }

    /// The argument of that name or, where it was given by place, at that place.
    ///
    /// - Parameter place: From 0; nil: by name alone.
    /// - Throws: ``TaskArgumentError``, where it is not there or of another type.
    public func value<Value: Decodable>(
        _ name: String, at place: Int? = nil, as type: Value.Type = Value.self
    ) throws -> Value {
        guard let value = given(name, place) else { throw TaskArgumentError(name: name, problem: "is missing") }
        do {
            return try value.decoded(as: type)
        } catch {
            throw TaskArgumentError(name: name, problem: "is no \(type)")
        }
    }

    /// As ``value(_:at:as:)``, for an argument that may be left out.
    public func value<Value: Decodable>(_ name: String, at place: Int? = nil, otherwise: Value) throws -> Value {
        guard let value = given(name, place), value != .null else { return otherwise }
        return try self.value(name, at: place)
    }

    private func given(_ name: String, _ place: Int?) -> JSON? {
        named[name] ?? place.flatMap { positional.indices.contains($0) ? positional[$0] : nil }
    }
}

/// An argument of a task that is not there, or not what it should be. The task fails with Python's `TypeError`.
public struct TaskArgumentError: Error, Sendable, CustomStringConvertible {
    public let name: String
    let problem: String

    public var description: String { "the argument `\(name)` \(problem)" }
}
