import Foundation
import Glibc
import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletWorkers

// What is served beside the APIs of apps and of this process: LitServe's paths, and what is in front of every model.
extension Server {
    private static let healthPath = "/health"
    private static let infoPath = "/info"
    static let toolsPath = "/mcp"
    static let documentPath = "/openapi.json"
    /// A call of a tool is taken apart as a whole, at many times its length.
    static let toolCallBytes = 4 << 20

    func appRoutes(_ plan: Plan) -> [Route] {
        let apis = plan.apis
        guard !apis.isEmpty else { return [] }
        let app = plan.served.first?.app
        let settings = app?.settings ?? WorkerSettings()
        let environment = ProcessInfo.processInfo.environment
        let models = ServedModel.all(apis, routes: plan.routes, pools: plan.own.map(\.pool))
        var routes = plainRoutes(plan, apis, settings, hasModels: !models.isEmpty) + modelRoutes(models)
        let key = Keyed.key(in: environment)
        for index in routes.indices { routes[index].key = key }
        if let path = settings.shutdown_path {
            let variables = environment.merging(app?.configuration.environment ?? [:]) { $1 }
            routes.append(Entry(path, shutdownEndpoint(variables), bodyLimit: 1 << 10, isStated: true))
        }
        return routes.filter { plan.isFree($0.path, isStated: $0.isStated) }.map { entry in
            local(
                entry.path, entry.handler, bodyLimit: entry.bodyLimit,
                isExact: entry.path != InferenceEndpoint.path + "/", key: entry.key)
        }
    }

    private struct Entry {
        let path: String
        let handler: any LocalHandler
        var bodyLimit: Int
        /// What clients must show; nil: nothing.
        var key: Secret?
        /// The app itself says where.
        var isStated: Bool

        init(_ path: String, _ handler: any LocalHandler, bodyLimit: Int = 0, isStated: Bool = false) {
            (self.path, self.handler, self.bodyLimit, self.isStated) = (path, handler, bodyLimit, isStated)
        }
    }

    /// What only shows something.
    private func plainRoutes(
        _ plan: Plan, _ apis: [APIDescription], _ settings: WorkerSettings, hasModels: Bool
    ) -> [Entry] {
        let health = settings.health_path ?? Self.healthPath
        let info = settings.info_path ?? Self.infoPath
        var routes: [Entry] = [
            Entry(
                health, AppHealthEndpoint(pools: plan.own.map(\.pool)),
                isStated: settings.health_path != nil),
            Entry(info, AppTextEndpoint(info: plan.served.first, apis), isStated: settings.info_path != nil),
        ]
        if let index = settings.index { routes.append(Entry("/", AppTextEndpoint(index: index))) }
        if settings.openapi ?? true {
            var document = OpenAPIDocument(
                title: plan.served.first?.app.configuration.name ?? Serving.program, apis,
                reads: [(health, "Whether every API can serve"), (info, "What is served, and on what")])
            if hasModels, plan.isFree(InferenceEndpoint.path) { document.addInference() }
            if taskFront.desk != nil, plan.isFree(TasksEndpoint.path) { document.addTasks() }
            if knowledgeFront.opened != nil, plan.isFree(KnowledgeEndpoint.path) { document.addKnowledge() }
            for api in document.schemas.leftOpen.sorted() {
                logger.warning(
                    "a schema has too many definitions: /openapi.json says nothing of it", metadata: ["api": "\(api)"])
            }
            routes.append(Entry(Self.documentPath, AppTextEndpoint(document: document)))
        }
        return routes
    }

    /// Ways to ask the models beside their own paths.
    private func modelRoutes(_ models: [ServedModel]) -> [Entry] {
        guard !models.isEmpty else { return [] }
        for model in models where model.isRenamed {
            logger.warning(
                "two models have one name: the second is called otherwise",
                metadata: ["model": "\(model.name)", "route": "\(model.api.path)"])
        }
        let caller = InnerCaller(loops)
        let bodyLimit = models.map(\.route.bodyLimit).max() ?? 0
        let inference = InferenceEndpoint(models, caller: caller)
        var routes: [Entry] = [
            Entry(InferenceEndpoint.path, inference),
            Entry(InferenceEndpoint.path + "/", inference, bodyLimit: bodyLimit),
        ]
        let tools = MCPTool.all(models)
        for tool in tools where tool.isRenamed {
            logger.warning(
                "two tools have one name: the second is called otherwise",
                metadata: ["tool": "\(tool.name)", "route": "\(tool.model.api.path)"])
        }
        let own = knowledgeFront.opened.map { [SearchTool($0.desk)] } ?? []
        if !tools.isEmpty || !own.isEmpty {
            let endpoint = MCPEndpoint(tools, own: own, caller: caller, logger: logger)
            let toolLimit = min(bodyLimit, Self.toolCallBytes)
            routes += ["", "/"].map { Entry(Self.toolsPath + $0, endpoint, bodyLimit: toolLimit) }
        }
        return routes
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

extension Plan {
    /// Whether no route for every host serves this path, alone or with all below it: what its owner serves comes first.
    /// What an app serves below a path is no obstacle to what it states itself, nor the rest of what a pool serves
    /// because the file says nothing else.
    func isFree(_ path: String, isStated: Bool = false) -> Bool {
        let wide = isStated ? served.filter { $0.api.path.hasSuffix("*") }.map(\.path) : []
        return !routes.contains { route in
            route.host == nil && route !== impliedRoute && !wide.contains(route.name)
                && (route.isExact ? route.name == path : path.hasPrefix(route.name))
        }
    }
}
