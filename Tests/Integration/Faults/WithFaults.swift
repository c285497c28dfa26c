import MartletTools
import NIOPosix
import Testing

/// A gateway between two bad networks: one to its clients (`front`), one to its only target (`back`).
struct FaultyPlace {
    let martlet: MartletProcess
    let front: FaultProxy
    let back: FaultProxy

    /// One request through the front, on a connection of its own.
    func ask(
        _ method: String, _ path: String, headers: [String] = [], body: String? = nil
    ) async throws -> Answer {
        try await Client.ask(
            method, path, port: front.port, headers: headers, body: body, within: .seconds(30))
    }

    /// A streamed chat completion.
    func stream(headers: [String] = []) async throws -> Answer {
        try await ask(
            "POST", "/v1/chat/completions", headers: ["Content-Type: application/json"] + headers,
            body: MartletProcess.chatBody(stream: true))
    }
}

/// ``withMartlet(_:environment:body:)`` between two fault proxies that do nothing yet.
///
/// - Parameters:
///   - port: where the target listens.
///   - settings: lines of the pool, as in ``onePool(_:_:more:)``.
///   - receiveBuffer: of the front's sockets.
func withFaults(
    before port: Int, _ settings: String..., more: String = "", receiveBuffer: Int? = nil,
    body: (FaultyPlace) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let back = try await FaultProxy.start(target: port, on: group)
    let lines = ["retry: {on: \"off\"}"] + settings
    let text = onePool(["{url: \"http://127.0.0.1:\(back.port)\", max_fails: 0}"], settings: lines, more: more)
    do {
        try await withMartlet(text) { martlet in
            let front = try await FaultProxy.start(
                target: martlet.publicPort, receiveBuffer: receiveBuffer, on: group)
            do {
                try await body(FaultyPlace(martlet: martlet, front: front, back: back))
                await front.stop()
            } catch {
                await front.stop()
                throw error
            }
        }
        await back.stop()
    } catch {
        await back.stop()
        throw error
    }
}
