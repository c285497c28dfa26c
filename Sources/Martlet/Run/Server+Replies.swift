import MartletExchange
import MartletGateway
import MartletLogic
import MartletTelemetry

// Replies of Chatchat instances that are given again.
extension Server {
    /// Beside each route that asks for it: the paths of questions and of writes. All else takes the route itself.
    func replyRoutes(_ plan: Plan, _ configuration: Configuration) -> [Route] {
        let wanted = configuration.routes.compactMap { route in route.replies.map { (route.label, $0) } }
        let shelves = replyShelves.adopt(Dictionary(wanted) { first, _ in first })
        return configuration.routes.flatMap { settings -> [Route] in
            guard let shelf = shelves[settings.label],
                let own = plan.routes.first(where: { $0.name == settings.path && $0.host == settings.host })
            else { return [] }
            var inner = settings
            // Ours are written by the route that answers.
            inner.responseHeaders = HeaderRules()
            let asked = Route(
                inner, index: own.index, to: own.destination, policies: plan.policies, limits: configuration.limits)
            let caller = InnerCaller(loops)
            return ([KnowledgeChat.path] + KnowledgeChat.writes).compactMap { path in
                let whole = (settings.strip ?? "") + path
                guard whole.hasPrefix(settings.path) else { return nil }
                let endpoint = ReplyEndpoint(
                    asked, caller: caller, shelf: shelf, isWrite: path != KnowledgeChat.path)
                return Route(
                    index: labels.index(of: (settings.host ?? "") + whole, in: .route), path: whole,
                    host: settings.host, destination: .local(endpoint), shape: own.shape,
                    responseEdits: own.responseEdits, bodyLimit: own.bodyLimit, priority: settings.priority,
                    isLogged: settings.isLogged, isExact: true)
            }
        }
    }
}
