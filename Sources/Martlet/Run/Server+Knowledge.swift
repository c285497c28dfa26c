import Foundation
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletTelemetry

// Where documents are taken in, searched and asked.
extension Server {
    /// On the public port, where nothing of the operator's is in the way.
    func knowledgeRoutes(_ plan: Plan) -> [Route] {
        guard let opened = knowledgeFront.opened else { return [] }
        // Who asks a base asks a model, and reads what the company knows: as much as who asks the model.
        let key = Keyed.key(in: ProcessInfo.processInfo.environment)
        var entries = opened.paths.entries
        let dispatch = Dispatch(loops, routes)
        let chain = ChainEndpoint(
            KnowledgeChain(opened.desk), path: KnowledgeChain.path, configKeys: ["configurable"],
            dispatch: dispatch, logger: logger)
        entries.append(
            KnowledgePaths.Entry(
                path: KnowledgeChain.path + "/", handler: chain, bodyLimit: KnowledgeChain.bodyBytes, shape: .plain))
        if plan.apis.isEmpty {
            // Beside apps, they have it among their own tools and descriptions.
            let tools = MCPEndpoint([], own: [SearchTool(opened.desk)], caller: InnerCaller(loops), logger: logger)
            entries += ["", "/"].map {
                KnowledgePaths.Entry(path: Self.toolsPath + $0, handler: tools, bodyLimit: Self.toolCallBytes)
            }
            if taskFront.desk == nil {
                var document = OpenAPIDocument(title: Serving.program, [], reads: [])
                document.addKnowledge()
                entries.append(
                    KnowledgePaths.Entry(
                        path: Self.documentPath, handler: AppTextEndpoint(document: document), bodyLimit: 0))
            }
        }
        return entries.filter { plan.isFree($0.path, besideModels: true) }.map { entry in
            let upload = entry.handler as? any UploadHandler
            let handler = upload.map { KnowledgeDoor($0, dispatch: dispatch) } ?? entry.handler
            return Route(
                index: labels.index(of: entry.path, in: .route), path: entry.path, destination: .local(handler),
                shape: entry.shape, bodyLimit: entry.bodyLimit, isLogged: true,
                isExact: !entry.path.hasSuffix("/"), key: key)
        }
    }

    /// On the console's port: the page, and Martlet's own paths, which it asks.
    func knowledgeConsoleRoutes(token: Secret?) -> [Route] {
        guard let opened = knowledgeFront.opened else { return [] }
        let own = opened.paths.entries.filter { $0.handler is KnowledgeEndpoint }
        return [local(KnowledgePage.path, KnowledgePage())]
            + own.map { entry in
                local(
                    entry.path, Guarded.over(entry.handler, token: token), bodyLimit: entry.bodyLimit,
                    isExact: !entry.path.hasSuffix("/"))
            }
    }
}
