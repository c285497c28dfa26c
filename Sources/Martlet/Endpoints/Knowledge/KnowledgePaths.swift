import MartletExchange
import MartletKnowledge

/// Where knowledge is served, and by whom.
struct KnowledgePaths {
    struct Entry {
        /// All below it is meant where it ends in a slash.
        var path: String
        var handler: any LocalHandler
        /// Bytes of a request's body.
        var bodyLimit: Int
        var shape = ErrorShape.openAI
    }

    let entries: [Entry]

    /// - Parameters:
    ///   - shelf: nil: OpenAI's files and vector stores are not served.
    ///   - uploadLimit: Bytes of a request that brings files: the knowledge room's own, not the gateway's.
    init(
        _ desk: any KnowledgeDesk, shelf: Shelf?, spool: UploadSpool, chatchat: ChatchatSettings, uploadLimit: Int
    ) {
        let commandLimit = RequestFields.bodyBytes
        let own = KnowledgeEndpoint(desk, spool: spool)
        let routes = ChatchatEndpoint(desk, spool: spool, settings: chatchat, temporary: TemporaryBases(desk))
        var entries = [
            Entry(path: KnowledgeEndpoint.path, handler: own, bodyLimit: commandLimit),
            Entry(path: KnowledgeEndpoint.path + "/", handler: own, bodyLimit: uploadLimit),
            Entry(path: DifyEndpoint.path, handler: DifyEndpoint(desk), bodyLimit: commandLimit, shape: .plain),
        ]
        for path in ChatchatEndpoint.paths {
            let limit = path.hasSuffix("/") ? uploadLimit : commandLimit
            entries.append(Entry(path: path, handler: routes, bodyLimit: limit, shape: .plain))
        }
        if let shelf {
            let files = FilesEndpoint(shelf, spool: spool)
            let stores = VectorStoresEndpoint(shelf, desk)
            entries += [
                Entry(path: FilesEndpoint.path, handler: files, bodyLimit: uploadLimit),
                Entry(path: FilesEndpoint.path + "/", handler: files, bodyLimit: commandLimit),
                Entry(path: VectorStoresEndpoint.path, handler: stores, bodyLimit: commandLimit),
                Entry(path: VectorStoresEndpoint.path + "/", handler: stores, bodyLimit: commandLimit),
            ]
        }
        self.entries = entries
    }
}
