/// What bounds all workers together, natively.
extension BrokerMachine {
    mutating func rate(_ arguments: ArraySlice<Bytes>, _ keys: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
        let numbers = arguments.compactMap(NumberText.integer)
        guard numbers.count == 3, arguments.count == 3, let key = keys.first else { return BrokerRefusal.notInteger }
        let rate = SharedRate(distance: numbers[0], burst: numbers[1])
        let kept = run(.get, [key], leases)
        if kept.isError { return kept }
        var next = kept.asBytes.flatMap(NumberText.integer)
        let now = leases.now * 1000
        var count: Int64 = 0
        var wait: Int64 = 0
        while true {
            switch rate.decide(next: next, now: now) {
            case .wait(let until): wait = until - now
            case .go(let following) where count < numbers[2]:
                next = following
                count += 1
                continue
            case .go: break
            }
            break
        }
        if count > 0, let next {
            let milliseconds = (next - now) / 1000 + 1001
            _ = run(.psetex, [key, Bytes("\(milliseconds)"), Bytes("\(next)")], leases)
        }
        return .array([.integer(count), .integer(wait)])
    }

    mutating func claim(_ arguments: ArraySlice<Bytes>, _ keys: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
        guard arguments.count == 2 * keys.count else { return BrokerRefusal.syntax }
        var answers: [Answer] = []
        var rest = Array(arguments)[...]
        for key in keys {
            let (id, seconds) = (rest[rest.startIndex], rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            let kept = run(.get, [key], leases)
            if kept.isError { return kept }
            if let owner = kept.asBytes, owner != id {
                answers.append(.bulk(owner))
                continue
            }
            let claimed = run(.setex, [key, seconds, id], leases)
            if claimed.isError { return claimed }
            answers.append(.bulk(id))
        }
        return .array(answers)
    }

    mutating func free(_ arguments: ArraySlice<Bytes>, _ keys: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
        guard arguments.count == keys.count else { return BrokerRefusal.syntax }
        var count: Int64 = 0
        for (key, id) in zip(keys, arguments) where freeUnique(key, of: id, leases) { count += 1 }
        return .integer(count)
    }

    /// False: another task has it, or none.
    mutating func freeUnique(_ key: Bytes, of id: Bytes, _ leases: LeaseKeys) -> Bool {
        guard run(.get, [key], leases) == .bulk(id) else { return false }
        _ = run(.del, [key], leases)
        return true
    }

    mutating func enter(_ arguments: ArraySlice<Bytes>, _ keys: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
        let words = Array(arguments)
        guard words.count == 3 * keys.count else { return BrokerRefusal.syntax }
        var answers: [Answer] = []
        for (index, key) in keys.enumerated() {
            let (tag, lease) = (words[3 * index], words[3 * index + 1])
            guard let limit = NumberText.integer(words[3 * index + 2]) else { return BrokerRefusal.notInteger }
            let held = run(.hkeys, [key], leases)
            guard !held.isError else {
                // Somebody keeps something else there: the tasks of other keys are not to wait for that.
                answers.append(held)
                continue
            }
            var others = 0
            for holder in held.asList {
                let its = run(.hget, [key, holder], leases).asBytes ?? Bytes()
                if !isMine(holder, its, leases) {
                    _ = run(.hdel, [key, holder], leases)
                } else if holder != tag {
                    others += 1
                }
            }
            let isIn = others < limit && isMine(tag, lease, leases)
            if isIn { _ = run(.hset, [key, tag, lease], leases) }
            answers.append(.integer(isIn ? 1 : 0))
            _ = run(.expire, [key, Bytes("\(OwnScript.placeSeconds)")], leases)
        }
        return .array(answers)
    }
}
