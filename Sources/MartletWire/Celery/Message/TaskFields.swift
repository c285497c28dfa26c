/// The members that describe a task beside its name, id and times: in the headers of the second version, in the body of
/// the first. They are found in passing and decoded when they are asked for.
struct TaskFields {
    enum Name: Int, CaseIterable {
        case shadow, group, groupIndex, retries, timeLimit, rootID, parentID, argsText, kwargsText, origin
        case ignoreResult, stampedHeaders, stamps, replacedTaskNesting, compression, taskset, args, kwargs
        case callbacks, errbacks, chord, utc
    }

    var task = CeleryTaskReader()
    private var values = [ArraySlice<UInt8>?](repeating: nil, count: Name.allCases.count)

    /// Takes the value when `member`, where a name is, is one of ours.
    mutating func take(_ member: Range<Int>, _ cursor: inout JSONCursor) throws(WireError) -> Bool {
        if try task.take(member, &cursor) { return true }
        guard let name = Self.name(member, cursor) else { return false }
        values[name.rawValue] = try cursor.value()
        return true
    }

    subscript(_ name: Name) -> ArraySlice<UInt8>? { values[name.rawValue] }

    /// Of a string; nil: there is none.
    func text(_ name: Name) -> String? { self[name].flatMap(JSONString.quoted) }

    func integer(_ name: Name) -> Int? { self[name].flatMap { RawJSON(unchecked: $0).integer } }

    /// Checked; nil: there is none, or it is null.
    func json(_ name: Name) -> RawJSON? {
        guard let json = self[name].flatMap({ try? RawJSON($0) }), !json.isNull else { return nil }
        return json
    }

    var etaText: String? { Self.text(task.eta) }
    var expiresText: String? { Self.text(task.expires) }

    /// On the wire the hard limit comes first.
    var timeLimits: (hard: Double?, soft: Double?) {
        let limits = json(.timeLimit)?.elements ?? []
        return (limits.first?.number, limits.count > 1 ? limits[1].number : nil)
    }

    private static func text(_ kind: JSONScalar.Kind?) -> String? {
        guard case .string(let text) = kind else { return nil }
        return text
    }

    private static func name(_ member: Range<Int>, _ cursor: JSONCursor) -> Name? {
        func isThis(_ name: StaticString) -> Bool { cursor.spells(name, at: member) }
        switch member.count {
        case 3: return isThis("utc") ? .utc : nil
        case 4: return isThis("args") ? .args : nil
        case 5: return isThis("group") ? .group : isThis("chord") ? .chord : nil
        case 6:
            return isThis("shadow") ? .shadow
                : isThis("origin") ? .origin : isThis("kwargs") ? .kwargs : isThis("stamps") ? .stamps : nil
        case 7:
            return isThis("retries") ? .retries : isThis("root_id") ? .rootID : isThis("taskset") ? .taskset : nil
        case 8: return isThis("argsrepr") ? .argsText : isThis("errbacks") ? .errbacks : nil
        case 9:
            return isThis("timelimit") ? .timeLimit
                : isThis("parent_id") ? .parentID : isThis("callbacks") ? .callbacks : nil
        case 10: return isThis("kwargsrepr") ? .kwargsText : nil
        case 11: return isThis("group_index") ? .groupIndex : isThis("compression") ? .compression : nil
        case 13: return isThis("ignore_result") ? .ignoreResult : nil
        case 15: return isThis("stamped_headers") ? .stampedHeaders : nil
        case 21: return isThis("replaced_task_nesting") ? .replacedTaskNesting : nil
        default: return nil
        }
    }
}

extension JSONString {
    /// The text of a string with its quotes; nil: it is none.
    static func quoted(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.first == UInt8(ascii: "\""), bytes.count >= 2 else { return nil }
        return decode(bytes.dropFirst().dropLast())
    }
}
