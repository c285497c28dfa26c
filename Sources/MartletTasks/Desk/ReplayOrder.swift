package import MartletBase
import MartletWire

/// Which dead letters are to go back.
package enum ReplayOrder {
    /// Reads `{"ids": […]}`, `{"limit": N}`, both, or nothing at all: all of them, as many as one call moves.
    ///
    /// - Throws: `invalid_body`.
    package static func read(
        _ body: some Collection<UInt8>
    ) throws(MartletError) -> (ids: Set<String>?, limit: Int) {
        guard !body.isEmpty else { return (nil, TaskDesk.mostReplayed) }
        guard case .object(let members)? = JSONValue.parsed(body),
            members.keys.allSatisfy({ ["ids", "limit"].contains($0) })
        else { throw wrong }
        var order: (ids: Set<String>?, limit: Int) = (nil, TaskDesk.mostReplayed)
        switch members["ids"] {
        case nil, .null?: break
        case .array(let values)?:
            var ids: Set<String> = []
            for case .string(let id) in values { ids.insert(id) }
            guard values.count <= TaskDesk.mostReplayed, ids.count == Set(values).count else { throw wrong }
            order.ids = ids
        default: throw wrong
        }
        switch members["limit"] {
        case nil, .null?: break
        case .integer(let limit)? where (1...Int64(TaskDesk.mostReplayed)).contains(limit): order.limit = Int(limit)
        default: throw wrong
        }
        return order
    }

    private static var wrong: MartletError {
        MartletError(
            .invalidBody,
            cause: #"the body is not {"ids": […], "limit": N}, with up to \#(TaskDesk.mostReplayed) of them"#)
    }
}
