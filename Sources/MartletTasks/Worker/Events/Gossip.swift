import MartletBase
import MartletLogic
import MartletWire
import Synchronization

/// What workers tell each other by their events: the time of the logical clock, and who is to act for all
/// (`election`).
///
/// In an election each worker that hears of it joins with its clock and its name and says so; when all that are alive
/// have said so, the one with the earliest clock acts.
final class Gossip: Sendable {
    private struct Candidate: Comparable {
        var clock: Int
        var name: String
        var topic: String
        var action: RawJSON

        init(_ event: RawObject, _ sender: String, _ clock: Int) {
            self.clock = clock
            name = "\(sender).\(event["pid"]?.integer ?? 0)"
            topic = event["topic"]?.string ?? ""
            action = event["action"] ?? .null
        }

        static func < (one: Candidate, other: Candidate) -> Bool {
            (one.clock, one.name) < (other.clock, other.name)
        }

        static func == (one: Candidate, other: Candidate) -> Bool {
            (one.clock, one.name) == (other.clock, other.name)
        }
    }

    private struct State {
        /// When each worker was last heard of, in seconds since 1970.
        var heard: [String: Double] = [:]
        var candidates: [String: [Candidate]] = [:]
        /// Of the elections that were called here: who has joined.
        var joined: [String: Set<String>] = [:]
    }

    /// More elections at one time are not remembered.
    private static let maximum = 1000

    private let name: String
    private let processID: Int
    private let clock: LamportClock
    /// In seconds: a worker that is not heard of for so long is gone.
    private let silence: Double
    private let state = Mutex(State())

    init(name: String, processID: Int, clock: LamportClock, heartbeat: Duration) {
        self.name = name
        self.processID = processID
        self.clock = clock
        silence = 2 * max(heartbeat.inSeconds, 1)
    }

    /// What is to be done because of an event.
    enum Act: Equatable {
        /// Say that this worker has joined the election.
        case join(String)
        /// This worker was elected: do what was asked for.
        case act(topic: String, RawJSON)
    }

    /// An election is called here.
    func call(_ id: String) {
        state.withLock { state in
            guard state.joined.count < Self.maximum else { return }
            state.joined[id] = []
        }
    }

    /// An event of a worker was heard.
    func hear(_ event: RawObject, now: Double) -> Act? {
        guard let type = event["type"]?.string, let sender = event["hostname"]?.string else { return nil }
        let time = event["clock"]?.integer ?? 0
        if sender == name { clock.forward() } else { clock.adjust(time) }
        return state.withLock { state in
            switch type {
            case "worker-offline":
                state.heard[sender] = nil
                return nil
            case "worker-elect":
                guard let id = event["id"]?.string else { return nil }
                if state.joined[id] != nil { state.candidates[id, default: []].append(Candidate(event, sender, time)) }
                return .join(id)
            case "worker-elect-ack":
                return event["id"]?.string.flatMap { joined($0, sender, &state, now: now) }
            default:
                state.heard[sender] = now
                return nil
            }
        }
    }

    private func joined(_ id: String, _ sender: String, _ state: inout State, now: Double) -> Act? {
        guard state.joined[id] != nil else { return nil }
        state.joined[id]?.insert(sender)
        state.heard = state.heard.filter { now - $0.value < silence }
        let alive = max(state.heard.count, 1)
        guard state.joined[id]?.count ?? 0 >= alive else { return nil }
        state.joined[id] = nil
        guard let leader = state.candidates.removeValue(forKey: id)?.min(), leader.name == "\(name).\(processID)" else {
            return nil
        }
        return .act(topic: leader.topic, leader.action)
    }
}
