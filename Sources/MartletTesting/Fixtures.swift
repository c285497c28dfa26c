package import MartletBase
package import MartletExchange
package import MartletLogic
import MartletNet
package import MartletWire
package import NIOCore
import Synchronization

extension RequestHead {
    /// A request as a parser would read it.
    package static func fake(
        _ method: MartletWire.Method = .get, _ target: String = "/", host: String = "example.com",
        _ fields: [(String, String)] = []
    ) -> RequestHead {
        var headers = HeaderBlock()
        for (name, value) in fields { headers.append(name, value) }
        return RequestHead(
            method: method, target: ByteBuffer(string: target), authority: ByteBuffer(string: host), headers: headers)
    }
}

extension OutgoingRequest {
    package static func fake(_ head: RequestHead) -> OutgoingRequest {
        OutgoingRequest(head: head, except: [], exceptNamed: [], lines: HeaderLines(), hostHeader: nil)
    }
}

extension Target {
    package static func fake(
        _ number: UInt8, address: SocketAddress? = nil, authority: String? = nil, edits: HeaderEdits = HeaderEdits(),
        keepAlive: UpstreamKeepAlive = UpstreamKeepAlive()
    ) throws -> Target {
        let place = try address ?? SocketAddress(ipAddress: "192.0.2.\(number)", port: 8000)
        let origin = Origin(host: place.ipAddress ?? "192.0.2.\(number)", port: place.port ?? 8000)
        return Target(
            id: TargetID(UInt32(number)), url: "\(origin)", place: .address(place), origin: origin, tls: nil,
            authority: authority, edits: edits, version: "", keepAlive: keepAlive)
    }
}

extension LoopContext {
    /// The context of `loop`; to be made there.
    package static func fake(on loop: any EventLoop, bytes: Int = 1 << 20) -> LoopContext {
        LoopContext(loop: loop, number: 1, budget: BufferBudget(limit: bytes), seed: 1)
    }
}

extension Pool {
    /// A pool of the targets 1, 2, … `count`, in service since `now`.
    package static func fake(
        _ name: String = "pool", index: UInt16 = 0, first: UInt8 = 1, count: UInt8, now: Instant,
        target: TargetPolicy = TargetPolicy(), observer: any PoolObserver = PoolDiary(),
        _ change: (inout PoolPolicy) -> Void = { _ in }
    ) throws -> Pool {
        var policy = PoolPolicy()
        change(&policy)
        let pool = Pool(name: name, index: index, policy: policy, observer: observer)
        for number in 0..<count { pool.add(try .fake(first + number), policy: target, now: now) }
        return pool
    }
}

/// Writes down what becomes of a pool's targets.
package final class PoolDiary: PoolObserver {
    private let state = Mutex<(changes: [TargetChange], emptied: [TargetID])>(([], []))

    package init() {}

    package var changes: [TargetChange] { state.withLock { $0.changes } }
    package var emptied: [TargetID] { state.withLock { $0.emptied } }

    package func pool(_ pool: Pool, target: Target, changed change: TargetChange) {
        state.withLock { $0.changes.append(change) }
    }

    package func pool(_ pool: Pool, emptied target: Target) {
        state.withLock { $0.emptied.append(target.id) }
    }
}

extension Route {
    /// `/` to `destination`.
    package static func fake(
        _ destination: Destination, path: String = "/", host: String? = nil, shape: ErrorShape = .openAI,
        bodyLimit: Int = 1 << 20, priority: PriorityClass = .interactive
    ) -> Route {
        Route(
            index: 0, path: path, host: host, destination: destination, shape: shape, bodyLimit: bodyLimit,
            priority: priority)
    }
}

extension ModelTable {
    /// One model on one pool.
    package static func fake(
        _ name: String, _ pool: Pool, as upstreamName: String? = nil, fallback: Pool? = nil
    ) -> ModelTable {
        ModelTable([
            Entry(
                name: name, index: 0, pools: [(pool: pool, weight: 1)], upstreamName: upstreamName, fallback: fallback)
        ])
    }
}
