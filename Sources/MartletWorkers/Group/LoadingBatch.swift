import MartletLogic
import MartletWire
import NIOCore

/// A batch whose long bodies are put into the memory that is shared with its worker, piece by piece: copying many MiB
/// takes longer than anybody may wait for the lock under which it was decided. It is sent when they lie there, and
/// what there was to say of its requests meanwhile goes after it.
struct LoadingBatch {
    /// Bytes to copy at, and where.
    struct Piece {
        let bytes: ByteBuffer
        let place: WorkerSharedBody
        let start: Int
    }

    /// Shorter bodies go through the socket: with them a place in the memory costs more than it saves.
    private static let leastShared = WorkerProtocol.bodyBytes + 1

    let number: UInt64
    private(set) var requests: [WorkerRequest]
    /// Requests to call off as soon as they are sent, and why.
    private(set) var cancelled: [(ids: [ItemID], reason: StaticString)] = []
    private var forgotten: Set<UInt64> = []
    /// The request whose body is copied at present; those before it are done.
    private var index = 0
    /// Where that body lies, and how much of it does.
    private var place: WorkerSharedBody?
    private var copied = 0

    /// nil: it has no long bodies.
    init?(_ number: UInt64, _ requests: [WorkerRequest]) {
        guard requests.contains(where: Self.isLong) else { return nil }
        self.number = number
        self.requests = requests
    }

    private static func isLong(_ request: WorkerRequest) -> Bool { request.body.readableBytes >= leastShared }

    func isForgotten(_ request: WorkerRequest) -> Bool { forgotten.contains(request.id) }

    func has(_ id: ItemID) -> Bool { requests.contains { $0.id == id.rawValue } }

    mutating func cancel(_ ids: [ItemID], _ reason: StaticString) { cancelled.append((ids, reason)) }

    /// Its worker gets no more of the request's body.
    mutating func forget(_ id: ItemID) { forgotten.insert(id.rawValue) }

    /// What to copy next; nil: nothing more.
    mutating func next(_ count: Int, in arena: WorkerArena) -> Piece? {
        while index < requests.count {
            let request = requests[index]
            if Self.isLong(request), !isForgotten(request) {
                let body = request.body
                place = place ?? arena.reserve(body.readableBytes)
                let length = min(count, body.readableBytes - copied)
                let bytes = body.getSlice(at: body.readerIndex + copied, length: length)
                if let place, let bytes { return Piece(bytes: bytes, place: place, start: copied) }
            }
            abandon(in: arena)
        }
        return nil
    }

    /// The piece that was next lies there.
    mutating func advance(_ piece: Piece, in arena: WorkerArena) {
        copied += piece.bytes.readableBytes
        guard copied == piece.place.length else { return }
        requests[index].lies(at: piece.place)
        place = nil
        abandon(in: arena)
    }

    /// The body that was next goes through the socket, or nowhere.
    mutating func abandon(in arena: WorkerArena) {
        if let place { arena.released(place) }
        place = nil
        copied = 0
        index += 1
    }
}
