import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTesting
import MartletWire
import NIOCore
import NIOPosix

@testable import Martlet

/// A model in Swift, asked in its own process.
struct Doubling: Model {
    struct Input: Codable, Sendable { var number: Int }
    struct Output: Codable, Sendable { var double: Int }

    func predict(_ input: Input) async throws -> Output { Output(double: input.number * 2) }
}

/// One whose input is a number.
struct Countdown: StreamingModel {
    func stream(_ start: Int, into sink: @escaping Sink<String>) async throws {
        for number in stride(from: start, through: 1, by: -1) { try await sink("\(number)\n") }
    }
}

/// A loop on which handlers of this process ask its routes.
struct Inside {
    let caller: InnerCaller
    private let loops: LoopTable

    init() throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let loop = group.next()
        let context = try loop.submit {
            let context = LoopContext.fake(on: loop)
            context.legs = HTTP1Legs(loop: context, governor: Governor())
            return NIOLoopBound(context, eventLoop: loop)
        }.wait()
        loops = LoopTable(group: group, contexts: [context])
        caller = InnerCaller(loops)
    }

    /// `Doubling` at `/double`.
    var doubling: APIEndpoint<Doubling> {
        var policy = BatchPolicy()
        policy.maxAhead = 0
        let group = ModelGroup(
            Doubling(), policy: policy, concurrent: 1, threads: ModelThreads(1),
            dispatch: Dispatch(loops, RoutesInForce()), clock: MultiThreadedEventLoopGroup.singleton.next())
        return APIEndpoint(group, path: "/double", logger: Logger(label: "test"))
    }

    /// The same as a model that has a name.
    func model(isTool: Bool = true) throws -> ServedModel {
        ServedModel(
            name: "double", aliases: ["double"],
            api: APIDescription(swift: "/double", Doubling.self, isStream: false, isTool: isTool),
            route: Route(index: 0, path: "/double", destination: .local(doubling), bodyLimit: 1 << 20),
            pool: try .fake("/double", count: 1, now: .current), plainInputs: ["number"])
    }
}

extension LocalRequest {
    static func fake(
        _ method: MartletWire.Method, _ path: String, _ body: String = "", _ fields: [(String, String)] = []
    ) -> LocalRequest {
        var headers = HeaderBlock()
        for (name, value) in fields { headers.append(name, value) }
        return LocalRequest(
            method: method, path: path, query: "", headers: headers, body: ByteBuffer(string: body),
            clientAddress: "192.0.2.1")
    }
}

extension LocalResponse {
    var json: JSON { get throws { try JSON.parse(body.readableBytesView) } }
}
