import Testing

@testable import MartletLogic

/// Martlet's own scripts as its workers call them.
extension BrokerBench {
    struct Taken: Equatable {
        var list: Int64
        var tag: String
        var deliveries: Int64
        var message: String
    }

    func script(
        _ script: OwnScript, lists: [Bytes] = [], _ arguments: [Bytes] = [], by id: Int64
    ) -> Answer {
        let keys = OwnScript.keys(prefix: "").map { Bytes($0) } + lists
        let words: [Bytes] = ["EVALSHA", script.sha1, Bytes("\(keys.count)")] + keys + arguments
        if answer(id, ["SCRIPT", "EXISTS", script.sha1]) == .array([.integer(0)]) {
            #expect(answer(id, ["SCRIPT", "LOAD", Bytes(script.text)]) == .bulk(script.sha1))
        }
        return answer(id, words) ?? .null
    }

    /// The lease, and what was taken; nil: nothing was.
    @discardableResult
    func take(_ count: Int, from lists: [Bytes] = ["q"], by id: Int64) -> (lease: Int64, messages: [Taken])? {
        guard case .array(let values) = script(.take, lists: lists, [Bytes("\(count)")], by: id), !values.isEmpty
        else { return nil }
        let messages = stride(from: 1, to: values.count, by: 4).map { start in
            Taken(
                list: values[start].asInteger, tag: values[start + 1].asBytes?.text ?? "",
                deliveries: values[start + 2].asInteger, message: values[start + 3].asBytes?.text ?? "")
        }
        return (values[0].asInteger, messages)
    }

    static func lease(_ number: Int64, list: String = "q") -> Bytes { Bytes(LeaseText.of(number, list: list)) }

    func finish(
        _ tag: Bytes, _ lease: Int64, result: (key: Bytes, json: Bytes)? = nil, seconds: Bytes = "60",
        freeing: (key: Bytes, task: Bytes)? = nil, publishing: [Bytes] = [], by id: Int64
    ) -> Answer {
        let result = [result?.key ?? "", seconds, result?.json ?? ""]
        let unique = [freeing?.key ?? "", freeing?.task ?? ""]
        let count = Bytes("\(publishing.count / 2)")
        return script(.finish, [tag, Self.lease(lease)] + result + unique + [count] + publishing, by: id)
    }

    /// A state of a task that runs; an empty tag: of one that nobody has.
    func tell(
        _ tag: Bytes, _ lease: Int64, _ key: Bytes, _ json: Bytes, keeping: Bytes = "SUCCESS", by id: Int64
    ) -> Answer {
        script(.tell, [tag, tag.isEmpty ? "" : Self.lease(lease), key, "60", json, keeping], by: id)
    }

    func renew(_ tag: Bytes, _ lease: Int64, by id: Int64) -> Answer {
        script(.renew, [tag, Self.lease(lease)], by: id)
    }

    func giveBack(_ tag: Bytes, _ lease: Int64, _ push: Bytes, _ message: Bytes, by id: Int64) -> Answer {
        script(.giveBack, [tag, Self.lease(lease), push, message], by: id)
    }
}
