import MartletBase
package import MartletExchange
import MartletGateway
import MartletNet

/// `POST /targets` with `{"action": "add"|"drain"|"remove", "pool": NAME, "url": URL}`: changes a pool without a
/// reload. `"version": LABEL` gives a target that is added its label in the metrics.
package final class TargetsEndpoint: LocalHandler {
    private let desk: Desk

    package init(_ desk: Desk) {
        self.desk = desk
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mustBeCommand()
        let command = try TargetsCommand(request.body)
        guard let pool = desk.pools.first(where: { $0.name == command.pool }) else {
            throw MartletError(.notFound, cause: "there is no pool `\(command.pool)`")
        }
        return try await carryOut(command, pool)
    }

    private func carryOut(_ command: TargetsCommand, _ pool: Pool) async throws -> LocalResponse {
        let origin = command.origin
        let answer: Membership.Answer
        switch command.action {
        case .add:
            try await add(origin, version: command.version, to: pool)
            answer = .done
        case .drain: answer = await desk.membership.drain(origin, of: pool)
        case .remove: answer = await desk.membership.remove(origin, of: pool)
        }
        switch answer {
        case .done: return .json(#"{"result":"done"}"#)
        case .draining: return .json(#"{"result":"draining"}"#, status: 202)
        case .emptied: return .json(#"{"result":"empty"}"#)
        case .unknownTarget: throw MartletError(.notFound, cause: "pool `\(pool.name)` has no target `\(origin)`")
        }
    }

    private func add(_ origin: Origin, version: String?, to pool: Pool) async throws {
        if let version, let present = await desk.membership.version(of: origin, in: pool), present != version {
            throw MartletError(
                .invalidBody,
                cause: "`\(origin)` is in pool `\(pool.name)` already, under version `\(present)`; remove it first")
        }
        let rules = await desk.membership.template(of: pool)
        let spec =
            try rules?.moved(to: origin, version: version ?? "")
            ?? TargetSpec(origin: origin, authority: origin.authority, version: version ?? "")
        await desk.membership.add(spec, to: pool, source: .operatorCommand)
    }
}
