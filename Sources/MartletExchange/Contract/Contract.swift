package import MartletBase
package import MartletWire
package import NIOCore

// How the two ends of a request talk, through the exchange in the middle.
//
// 1. A front reads a request head, finds its route and makes an `Exchange`; it hands on the body (`requestBody`,
//    `requestEnd`) as it comes and stops reading when told to.
// 2. The exchange picks a target and opens a leg to it: `start`, then `body` and `bodyEnd`. Once bytes of the request
//    may have reached the target it is not safe to replay: `start` says so at once, or `legAccepted` does later.
// 3. The leg says `legHead` once, `legBody` any number of times within the demand it was given, then `legEnd`; or, at
//    any point, `legFailed`. After either of the last two it says nothing more and no longer knows the exchange. A leg
//    that decides when to read asks `waitsForClient` first.
// 4. The exchange passes the answer to the front (`respond`, `body`, `end`), or breaks it off (`abort`).
// 5. Either side may vanish at any moment: the front says `gone`, the exchange says `cancel` to the leg.
//
// Everything happens on one event loop. An event that arrives while the exchange is inside a step is queued until the
// step is over, so neither side is re-entered in the middle of a decision. Whoever is called by the event loop reads
// the loop's clock first (`LoopContext.readClock`); what follows from that call happens at one instant.

/// How long a response body is, before HTTP/1 framing.
package enum BodySize: Sendable, Equatable {
    case none
    case exactly(Int)
    case unknown
}

/// The side of the caller: an HTTP/1 connection, later an HTTP/2 stream or an in-process caller.
package protocol Front: AnyObject {
    /// The answer's head. Hop-by-hop and framing fields in it are ignored: framing is the front's own.
    ///
    /// - Parameters:
    ///   - dropped: lower-case names of fields that are not passed on.
    ///   - extra: lines of ours, besides the request's id.
    func respond(_ head: ResponseHead, size: BodySize, dropping dropped: [String], extra: HeaderLines)
    /// A 1xx answer other than 100 and 101.
    func informational(_ head: ResponseHead)
    func body(_ slice: ByteBuffer)
    func end()
    /// The answer cannot be completed: what is written so far goes out, then the client sees a broken body.
    func abort()
    /// Sends what `respond` and `body` gathered.
    func flush()
    /// Whether the client takes bytes at present; `Exchange.frontWritable` follows when that changes back.
    var isWritable: Bool { get }
    /// Lets the request body flow, or holds it back.
    func setReading(_ isOn: Bool)
    /// The caller's address as text, for logs and `hash: {key: client}`.
    var clientAddress: String { get }
    /// Calls `exchange.deadlineReached` at `instant` or soon after; to call it earlier does no harm. `.never`: no more.
    func wake(_ exchange: Exchange, at instant: Instant)
}

extension Front {
    /// A whole answer of our own that says `error`; answers how many bytes its body has.
    package func answer(_ error: MartletError, shape: ErrorShape, lines: HeaderLines, date: String) -> Int {
        let payload = ByteBuffer(string: shape.body(error))
        var lines = lines
        lines.append("Content-Type", "application/json")
        lines.append("Date", date)
        respond(
            ResponseHead(status: error.code.status), size: .exactly(payload.readableBytes), dropping: [], extra: lines)
        body(payload)
        end()
        return payload.readableBytes
    }
}

/// The side of the model: one request on an HTTP/1 connection, later an HTTP/2 stream or a worker.
package protocol Leg: AnyObject {
    /// Sends the head. `size` announces the body that `body` will bring.
    ///
    /// - Returns: true when the target is connected: from now on bytes may reach it. Else `legAccepted` follows.
    func start(_ request: OutgoingRequest, size: BodySize) -> Bool
    func body(_ slice: ByteBuffer)
    func bodyEnd()
    /// Sends what `start` and `body` gathered.
    func flush()
    /// The exchange takes `bytes` more of the answer's body.
    func demand(_ bytes: Int)
    /// Stops the work: nobody wants the answer. Idempotent; the leg says nothing afterwards.
    func cancel(_ reason: CancelReason)
    /// False while the target does not take more of the request body; `Exchange.legUploadWritable` follows.
    var isUploadWritable: Bool { get }
}

/// Opens legs on one event loop.
package protocol LegSource: AnyObject {
    /// A leg to `target` for `exchange`: an idle connection, or a new one. Trouble is reported as `legFailed`.
    ///
    /// - Parameter isFresh: only a new connection will do.
    func open(_ target: Target, for exchange: Exchange, isFresh: Bool) -> any Leg
    /// A leg to a handler inside this process.
    func open(_ handler: any LocalHandler, for exchange: Exchange) -> any Leg
    /// The target was taken out: requests that wait for its first byte may go elsewhere.
    func targetLost(_ target: TargetID)
    /// Closes so many idle connections, because others need their descriptors; answers how many there were.
    func shedIdle(_ count: Int) -> Int
    /// The target has other rules, under the same id: idle connections that do not go with them close.
    func targetReplaced(by target: Target)
    /// The target left its pool: idle connections to it close now, the others after their answer.
    func targetRemoved(_ target: TargetID)
}

/// Opens legs of its own kind to what it stands for, such as a group of workers.
package protocol LegMaker: AnyObject, Sendable {
    /// A leg for `exchange`, on its loop.
    func leg(for exchange: Exchange) -> any Leg
}

/// A request head on its way out: as it came, less what is not passed on, plus what is ours.
///
/// A class, because it passes through many hands and a copy would count seven references each time.
package final class OutgoingRequest {
    package let head: RequestHead
    /// Fields of `head` that are not passed on.
    package let except: FieldSet
    /// More of them, by lower-case name.
    package let exceptNamed: [String]
    /// Added after the fields of `head`. Taken back when the request is forgotten.
    package var lines: HeaderLines
    /// What the route says about `Host`; nil: the target's rule holds.
    private let hostHeader: Route.HostHeader?

    package init(
        head: RequestHead, except: FieldSet, exceptNamed: [String], lines: HeaderLines, hostHeader: Route.HostHeader?
    ) {
        self.head = head
        self.except = except
        self.exceptNamed = exceptNamed
        self.lines = lines
        self.hostHeader = hostHeader
    }

    /// What `target` is told in `Host`.
    package func authority(for target: Target) -> ByteBuffer {
        switch hostHeader {
        // A request of this process itself names none.
        case .preserve where head.authority.readableBytes > 0: head.authority
        case .literal(let authority): authority
        case .preserve, nil: target.authority ?? head.authority
        }
    }
}

/// Header lines as bytes, each ended by CRLF, ready to be appended to a head.
package struct HeaderLines: Sendable {
    package var bytes: ByteBuffer

    package init(_ bytes: ByteBuffer = ByteBuffer()) {
        self.bytes = bytes
    }

    /// Writes the lines, but for those of the given lower-case names.
    package func write(into buffer: inout ByteBuffer, exceptNamed names: [String]) {
        guard !names.isEmpty else {
            buffer.writeImmutableBuffer(bytes)
            return
        }
        for line in String(buffer: bytes).split(separator: "\r\n")
        where !names.contains(line.prefix { $0 != ":" }.lowercased()) {
            buffer.writeSubstring(line)
            buffer.writeStaticString("\r\n")
        }
    }

    /// Appends `name: value`. Both come from us or were validated with the configuration.
    package mutating func append(_ name: String, _ value: some StringProtocol) {
        bytes.writeString(name)
        bytes.writeStaticString(": ")
        bytes.writeSubstring(Substring(value))
        bytes.writeStaticString("\r\n")
    }
}
