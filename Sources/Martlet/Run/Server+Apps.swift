import Foundation
import Glibc
import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletWorkers

// What LitServe's servers answer beside their APIs.
extension Server {
    /// The largest call of a tool.
    private static let toolCallBytes = 16 << 20

    func appRoutes(_ plan: Plan) -> [Route] {
        guard let app = plan.served.first?.app else { return [] }
        let settings = app.settings
        let environment = ProcessInfo.processInfo.environment.merging(app.configuration.environment) { $1 }
        let health = settings.health_path ?? "/health"
        let info = settings.info_path ?? "/info"
        var handlers: [(path: String, handler: any LocalHandler)] = [
            (health, AppHealthEndpoint(pools: plan.pools)), (info, AppTextEndpoint(info: plan.served)),
        ]
        // Where an app answers everything below a path, it answers these as well.
        let wide = plan.served.map(\.api.path).filter { $0.hasSuffix("*") }.map { $0.dropLast() }
        let isFree = { (path: String) in !wide.contains { path.hasPrefix($0) } }
        if let index = settings.index, isFree("/") { handlers.append(("/", AppTextEndpoint(index: index))) }
        if settings.openapi ?? true, isFree("/openapi.json") {
            let document = OpenAPIDocument(
                title: app.configuration.name, plan.served.map(\.api),
                reads: [(health, "Whether every API can serve"), (info, "What is served, and on what")])
            handlers.append(("/openapi.json", AppTextEndpoint(document: document)))
        }
        let offers = plan.served.compactMap { api in
            plan.routes.first { $0.name == api.path }.flatMap { route in
                api.api.tool.map { MCPEndpoint.Offer(tool: $0, route: route) }
            }
        }
        if !offers.isEmpty {
            let endpoint = MCPEndpoint(offers, caller: InnerCaller(loops))
            handlers += [("/mcp", endpoint), ("/mcp/", endpoint)]
        }
        if let key = environment["LIT_SERVER_API_KEY"], !key.isEmpty {
            handlers = handlers.map { ($0.path, Keyed($0.handler, key: Secret(key))) }
        }
        if let path = settings.shutdown_path { handlers.append((path, shutdownEndpoint(environment))) }
        let taken = Set(plan.routes.map(\.name))
        return handlers.filter { !taken.contains($0.path) }.map { path, handler in
            local(path, handler, bodyLimit: path.hasPrefix("/mcp") ? Self.toolCallBytes : 1 << 10)
        }
    }

    private func shutdownEndpoint(_ environment: [String: String]) -> AppShutdownEndpoint {
        let key = environment["LIT_SHUTDOWN_API_KEY"].flatMap { $0.isEmpty ? nil : Secret($0) }
        if key == nil {
            logger.warning("nobody can shut this server down over HTTP: LIT_SHUTDOWN_API_KEY is not set")
        }
        return AppShutdownEndpoint(key: key) { [logger] in
            logger.notice("told to shut down over HTTP")
            kill(getpid(), SIGTERM)
        }
    }
}
