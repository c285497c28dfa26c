import MartletLogic
import Synchronization

typealias AnswerFlights = Flights<AnswerFlight, AnswerEvent>

/// What questions have in common that are answered once.
struct AnswerFlight: Hashable, Sendable {
    var scope: AnswerScope
    var text: String
    /// Who asks after a change is not told what was found before.
    var epochs: [String: Int]
}

/// Questions that many ask at once, answered once: whoever comes while an answer is on its way hears all of it.
///
/// The answer belongs to nobody who asked: it goes on while there is one of them left, and stops with the last.
package final class Flights<Key: Hashable & Sendable, Event: Sendable>: Sendable {
    package typealias Events = AsyncThrowingStream<Event, any Error>

    private struct Flight {
        var id: UInt64
        /// For those who come later; as much as one answer may be.
        var events: [Event] = []
        var readers: [UInt64: Events.Continuation] = [:]
        var task: Task<Void, Never>?
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// How many answers are on their way.
    package var count: Int { state.withLock { $0.flights.count } }

    /// Hears the answer that is on its way, or has it made.
    ///
    /// - Parameter produce: Tells the events in their order; is cancelled when nobody is left.
    package func join(
        _ key: Key,
        produce: @escaping @Sendable (_ tell: @escaping @Sendable (Event) -> Void) async throws -> Void
    ) -> Events {
        let (events, continuation) = Events.makeStream()
        let (flight, reader) = state.withLock { state in
            state.lastID += 1
            let reader = state.lastID
            if state.flights[key] == nil {
                state.lastID += 1
                var flight = Flight(id: state.lastID)
                flight.task = Task { [id = flight.id] in
                    let result: Result<Void, any Error>
                    do {
                        try await produce { self.tell($0, key, id) }
                        result = .success(())
                    } catch {
                        result = .failure(error)
                    }
                    self.end(key, id, result)
                }
                state.flights[key] = flight
            }
            for event in state.flights[key]?.events ?? [] { continuation.yield(event) }
            state.flights[key]?.readers[reader] = continuation
            return (state.flights[key]?.id, reader)
        }
        continuation.onTermination = { [weak self] _ in
            if let flight { self?.leave(key, flight, reader) }
        }
        return events
    }

    /// In the lock, so that nobody who joins hears events out of their order; a yield calls nobody back.
    private func tell(_ event: Event, _ key: Key, _ id: UInt64) {
        state.withLock { state in
            guard state.flights[key]?.id == id else { return }
            state.flights[key]?.events.append(event)
            for reader in state.flights[key]?.readers.values.map({ $0 }) ?? [] { reader.yield(event) }
        }
    }

    private func end(_ key: Key, _ id: UInt64, _ result: Result<Void, any Error>) {
        let readers = state.withLock { state in
            guard state.flights[key]?.id == id else { return [Events.Continuation]() }
            return state.flights.removeValue(forKey: key)?.readers.values.map { $0 } ?? []
        }
        for reader in readers {
            switch result {
            case .success: reader.finish()
            case .failure(let error): reader.finish(throwing: error)
            }
        }
    }

    private func leave(_ key: Key, _ id: UInt64, _ reader: UInt64) {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard state.flights[key]?.id == id else { return nil }
            state.flights[key]?.readers[reader] = nil
            guard state.flights[key]?.readers.isEmpty == true else { return nil }
            return state.flights.removeValue(forKey: key)?.task
        }
        task?.cancel()
    }
}
