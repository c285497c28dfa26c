import MartletBase
import MartletExchange
import MartletGateway
import MartletTelemetry

// What Ollama's clients ask, beside the model API.
extension Server {
    /// - Parameter names: Those that the model API answers to.
    func ollamaRoutes(_ plan: Plan, _ configuration: Configuration, _ names: ModelNames) -> [Route] {
        let settings = configuration.ollama
        guard settings.serve != .off, !plan.pools.isEmpty else { return [] }
        let own = plan.apis.filter { $0.route == "/v1/chat/completions" }.compactMap { api in
            plan.own.first { $0.pool.name == api.name }
                .map { (name: api.modelNames.first ?? api.name, pool: $0.pool) }
        }
        let since = WallTime(milliseconds: Int64(started) * 1000)
        let endpoint = OllamaEndpoint(
            OllamaModels(names, own: own, aliases: settings.models), OllamaLists(started: since),
            caller: InnerCaller(loops), routes: routes)
        return OllamaEndpoint.paths.filter { plan.isFree($0, isAsked: settings.serve == .on) }.map { path in
            Route(
                index: labels.index(of: path, in: .route), path: path, destination: .local(endpoint), shape: .ollama,
                bodyLimit: configuration.limits.body, isLogged: false, isExact: true)
        }
    }
}

extension Plan {
    /// Whether nothing else serves this path. What serves all below a shorter path gives way where that is asked for.
    fileprivate func isFree(_ path: String, isAsked: Bool) -> Bool {
        !routes.contains { route in
            route.host == nil && (route.name == path || !isAsked && !route.isExact && path.hasPrefix(route.name))
        }
    }
}
