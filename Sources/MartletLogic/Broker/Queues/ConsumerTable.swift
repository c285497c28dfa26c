/// Which connections are one worker's, and what the worker has taken.
///
/// A worker pops on one connection and writes down what it took on another: that is how the broker learns that both are
/// the same process. When the last of them is gone, so is the worker.
struct ConsumerTable: Sendable {
    /// A message that was taken: its database and its tag.
    typealias Taken = Place

    private struct Worker: Sendable {
        var clients: Set<ClientID> = []
        var taken: Set<Taken> = []
    }

    private var numbers: [ClientID: Int] = [:]
    private var workers: [Int: Worker] = [:]
    private var holders: [Taken: Int] = [:]
    private var nextNumber = 0

    /// `taker` wrote down that it took what `popper` popped.
    mutating func took(_ message: Taken, popper: ClientID?, taker: ClientID) {
        var number = number(of: taker)
        if let popper, popper != taker { number = unite(number, self.number(of: popper)) }
        gave(message)
        holders[message] = number
        workers[number]?.taken.insert(message)
    }

    /// A message is no longer anybody's.
    mutating func gave(_ message: Taken) {
        guard let number = holders.removeValue(forKey: message) else { return }
        workers[number]?.taken.remove(message)
    }

    func isHeld(_ message: Taken) -> Bool { holders[message] != nil }

    /// A connection is gone. What its worker had taken, when it was its last one.
    mutating func left(_ client: ClientID) -> [Taken] {
        guard let number = numbers.removeValue(forKey: client), var worker = workers.removeValue(forKey: number) else {
            return []
        }
        worker.clients.remove(client)
        guard worker.clients.isEmpty else {
            workers[number] = worker
            return []
        }
        for message in worker.taken { holders[message] = nil }
        return Array(worker.taken)
    }

    private mutating func number(of client: ClientID) -> Int {
        if let number = numbers[client] { return number }
        nextNumber += 1
        numbers[client] = nextNumber
        workers[nextNumber] = Worker(clients: [client])
        return nextNumber
    }

    private mutating func unite(_ one: Int, _ other: Int) -> Int {
        guard one != other, let first = workers[one], let second = workers[other] else { return one }
        // Two that have several connections each are two: one message can stand in two lists (a producer that sent it
        // again, an exchange of two queues), and who wrote it down need not be who popped it.
        guard first.clients.count == 1 || second.clients.count == 1 else { return one }
        let (keep, drop) = first.taken.count >= second.taken.count ? (one, other) : (other, one)
        guard let dropped = workers.removeValue(forKey: drop) else { return keep }
        for client in dropped.clients { numbers[client] = keep }
        for message in dropped.taken { holders[message] = keep }
        workers[keep]?.clients.formUnion(dropped.clients)
        workers[keep]?.taken.formUnion(dropped.taken)
        return keep
    }
}
