/// What follows from a file that leaves `models` or `routes` out.
///
/// - Neither: the only pool serves everything, the model API for any model included.
/// - `models` without a route to the model API: `/v1/` is that route.
/// - A route to the model API without `models`: the only pool serves any model.
struct DefaultRoutes {
    static let modelAPIPath = "/v1/"

    let root: Section

    func complete(_ configuration: inout Configuration) {
        guard !configuration.pools.isEmpty else {
            if !root.has("pools"), configuration.workers.isEmpty, configuration.tasks == nil,
                configuration.knowledge == nil {
                root.refuse(
                    "is missing: without a pool, `workers`, `tasks` or `knowledge` there is nothing to serve",
                    at: "pools")
            }
            return
        }
        let only = configuration.pools.count == 1 ? configuration.pools[0].name : nil
        let modelRoute = configuration.routes.first(where: \.isModelAPI)
        let statesModels = root.has("models")
        let statesRoutes = root.has("routes")
        if !statesModels, !statesRoutes || modelRoute != nil {
            guard let only else {
                root.refuse("has several pools: say with `models` or `routes` what goes where", at: "pools")
                return
            }
            configuration.models = [ModelConfiguration(name: "*", shares: [.init(pool: only, weight: 1)])]
            if !statesRoutes {
                var rest = RouteConfiguration(path: "/", pool: only, api: .plain)
                rest.isImplied = true
                configuration.routes.append(rest)
            }
        }
        let isTaken = configuration.routes.contains { $0.host == nil && $0.path == Self.modelAPIPath }
        if !configuration.models.isEmpty, modelRoute == nil, !isTaken {
            configuration.routes.append(RouteConfiguration(path: Self.modelAPIPath, api: .openai))
        }
        if configuration.models.isEmpty, modelRoute != nil {
            root.refuse("a route without a `pool` is the model API, which needs `models`", at: "routes")
        }
    }
}
