import MartletBase
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletNet
import NIOCore
import Synchronization

/// Replies of the Chatchat instances behind a route: those that are kept, and those that are on their way.
final class ReplyShelf: Sendable {
    /// What comes of a reply, its head first.
    enum Event: Sendable {
        case head(status: Int, contentType: String, headers: [(name: String, value: String)])
        case piece(ByteBuffer)
    }

    /// Questions with the same one share a reply.
    struct Flight: Hashable, Sendable {
        var chat: KnowledgeChat
        /// Who asks after a write is not told what was answered before it.
        var ticket: ReplyCache.Ticket
    }

    let flights = Flights<Flight, Event>()
    private let cache: Mutex<ReplyCache>

    init(_ limits: ReplyCache.Limits) { cache = Mutex(ReplyCache(limits)) }

    enum Found {
        case kept(ReplyCache.Reply)
        /// To be asked for, or listened to.
        case missing(Flight)
    }

    func look(for chat: KnowledgeChat) -> Found {
        cache.withLock { cache in
            if let reply = cache.reply(to: chat, now: .current) { return .kept(reply) }
            return .missing(Flight(chat: chat, ticket: cache.ticket(for: chat)))
        }
    }

    func keep(_ reply: ReplyCache.Reply, for flight: Flight) {
        cache.withLock { _ = $0.keep(reply, for: flight.chat, flight.ticket, now: .current) }
    }

    /// A write that lasts as long as somebody holds it: its replies are gone when it begins and when it ends.
    final class Write: Sendable {
        private let shelf: ReplyShelf
        private let base: String?

        /// - Parameter base: nil: it may be any.
        init(to base: String?, on shelf: ReplyShelf) {
            (self.base, self.shelf) = (base, shelf)
            shelf.cache.withLock { $0.writeBegan(base) }
        }

        deinit { shelf.cache.withLock { $0.writeEnded(base) } }
    }
}

/// The shelves of all routes: a reload leaves them as they are, with the writes that are under way.
final class ReplyShelves: Sendable {
    private let shelves = Mutex<[String: (settings: ReplyCacheConfiguration, shelf: ReplyShelf)]>([:])

    /// Those of routes that there are no more go.
    ///
    /// - Returns: by the routes' labels.
    func adopt(_ wanted: [String: ReplyCacheConfiguration]) -> [String: ReplyShelf] {
        shelves.withLock { shelves in
            shelves = wanted.reduce(into: [:]) { adopted, entry in
                let (label, settings) = entry
                if let present = shelves[label], present.settings == settings {
                    adopted[label] = present
                } else {
                    var limits = ReplyCache.Limits()
                    (limits.bytes, limits.age) = (settings.memory, settings.timeToLive)
                    adopted[label] = (settings, ReplyShelf(limits))
                }
            }
            return shelves.mapValues { $0.shelf }
        }
    }
}
