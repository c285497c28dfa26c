import Foundation
import MartletNet
package import MartletStore
import MartletWire

/// Conversations in a Redis server: any node goes on with any of them.
///
/// While the server is away nothing is remembered, and a question has what comes with it only.
package final class RedisSessions: SessionStore {
    private static let prefix = "martlet:knowledge:session:"

    private let link: RedisLink
    private let limits: SessionLimits

    /// - Parameter limits: How many there are in all is the server's own limit.
    package init(_ link: RedisLink, _ limits: SessionLimits = SessionLimits()) {
        (self.link, self.limits) = (link, limits)
    }

    package func turns(of session: String) async throws -> [SessionTurn] {
        var pipeline = RedisPipeline()
        pipeline.append(["LRANGE", Self.prefix + session, "\(-limits.turns)", "-1"])
        let kept = await link.run(pipeline)?.first?.list ?? []
        return kept.compactMap { turn in
            turn.text.flatMap { try? JSONDecoder().decode(SessionTurn.self, from: Data($0.utf8)) }
        }
    }

    package func append(_ turns: [SessionTurn], to session: String) async throws {
        guard !turns.isEmpty else { return }
        let key = Self.prefix + session
        let texts = try turns.map {
            String(decoding: try JSONEncoder().encode($0.cut(to: limits.turnBytes)), as: UTF8.self)
        }
        var pipeline = RedisPipeline()
        pipeline.append(["MULTI"])
        pipeline.append(["RPUSH", key] + texts)
        pipeline.append(["LTRIM", key, "\(-limits.turns)", "-1"])
        pipeline.append(["EXPIRE", key, "\(Int(limits.age))"])
        pipeline.append(["EXEC"])
        _ = await link.run(pipeline)
    }

    package func remove(_ session: String) async throws {
        var pipeline = RedisPipeline()
        pipeline.append(["DEL", Self.prefix + session])
        _ = await link.run(pipeline)
    }

    /// The server forgets what is silent by itself.
    package func prune() async throws -> Int { 0 }
}
