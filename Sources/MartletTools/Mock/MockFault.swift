/// How a mock backend misbehaves. Written as a word, with its numbers after colons: `status:503:2`, `reset-mid:5`.
///
/// The faults with a number of events count them on a stream; on an answer that is not streamed they strike after half
/// of the body.
package enum MockFault: Equatable, Sendable {
    case none
    /// This status, with a `Retry-After` of so many seconds when given.
    case status(Int, retryAfter: Int?)
    /// The connection is reset before any byte of the answer.
    case reset
    /// The connection is closed in good order before any byte of the answer.
    case close
    /// The connection is reset after so many events.
    case resetMid(Int)
    /// The connection is closed in good order after so many events, without the end of the body.
    case closeMid(Int)
    /// Takes the request and never answers.
    case hang
    /// For one request the same as `hang`. As the server's own behaviour nothing more leaves any connection, checks of
    /// its health included; streams under way go on when it is over, requests that came meanwhile are never answered.
    case blackHole
    /// Does not notice that a client left: goes on to the end of the answer and holds its slot until then.
    case deaf
    /// Answers, and stops after so many events.
    case stall(Int)
    /// Announces a longer body than it sends, then closes.
    case short
    /// Sends bytes that are not HTTP, then closes.
    case garbage
    /// Sends half an event after so many whole ones, then closes.
    case halfEvent(Int)
    /// Ends the stream in good order, but without `[DONE]`.
    case noDone
    /// Sends one more event after `[DONE]`.
    case afterDone
    /// Sends an in-band error event after so many events, then ends in good order.
    case errorEvent(Int)
    /// Sends the answer one byte at a time, one a millisecond.
    case drip
    /// So many `103` heads before the real one.
    case informational(Int)
    /// 200 with an HTML page where JSON or events are expected.
    case html
    /// The chunked body ends with a trailer field.
    case trailers
    /// Two answers to one request.
    case extra
    /// Answers 413 as soon as the head is there, before the body, and closes.
    case early

    /// Reads `reset-mid:5`; nil for what is not a fault.
    package init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = parts.dropFirst().map { Int($0) }
        guard let word = parts.first, numbers.count <= 2, !numbers.contains(nil) else { return nil }
        let first = numbers.first ?? nil
        if let first, first < 0 { return nil }
        if numbers.isEmpty, let fault = Self.plain[String(word)] {
            self = fault
        } else if word == "status", let first, (200...599).contains(first) {
            self = .status(first, retryAfter: numbers.count == 2 ? numbers[1] : nil)
        } else if numbers.count <= 1, let make = Self.counted[String(word)] {
            self = make(first ?? 1)
        } else {
            return nil
        }
    }

    /// Every word, for help and error texts.
    package static var words: [String] {
        (["status:CODE[:RETRY-AFTER]"] + plain.keys + counted.keys.map { "\($0):N" }).sorted()
    }

    private static let plain: [String: MockFault] = [
        "none": .none, "reset": .reset, "close": .close, "hang": .hang, "black-hole": .blackHole, "deaf": .deaf,
        "short": .short, "garbage": .garbage, "no-done": .noDone, "after-done": .afterDone, "drip": .drip,
        "html": .html, "trailers": .trailers, "extra": .extra, "early": .early,
    ]

    private static let counted: [String: @Sendable (Int) -> MockFault] = [
        "reset-mid": { .resetMid($0) }, "close-mid": { .closeMid($0) }, "stall": { .stall($0) },
        "half-event": { .halfEvent($0) }, "error-event": { .errorEvent($0) }, "informational": { .informational($0) },
    ]

    /// After how many events a stream is cut, for the faults that cut it.
    var cutAfter: Int? {
        switch self {
        case .resetMid(let count), .closeMid(let count), .stall(let count), .halfEvent(let count),
            .errorEvent(let count):
            count
        default: nil
        }
    }
}
