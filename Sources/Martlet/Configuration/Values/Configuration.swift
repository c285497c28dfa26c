import MartletBase
package import MartletNet
package import MartletWorkers

/// What an operator asked for: the whole of `martlet.yaml`, validated, with every default filled in.
///
/// A value of this type is complete and consistent (each pool, backend and fallback that is named exists), so that
/// whoever reads it can only fail on what the file cannot know: a port in use, a certificate that does not load.
package struct Configuration: Sendable, Equatable {
    /// `listen`: the public addresses, at least one.
    package var listen: [ListenConfiguration]
    /// `console`: the admin API and metrics; nil: `console: off`.
    package var console: ConsoleConfiguration?
    /// `threads`: event loops; nil: one for each core.
    package var threads: Int?
    /// `limits`: what clients and this process may use.
    package var limits = LimitsConfiguration()
    /// `trusted_proxies`: whose `X-Forwarded-…` headers are believed.
    package var trustedProxies: [AddressRange] = []
    /// `access_log`: where one JSON line for each request goes.
    package var accessLog = AccessLogConfiguration.off
    /// `state`: the folder for what Martlet writes about itself; nil: `off`.
    package var stateFolder: String? = ".martlet/state"
    /// `streaming`.
    package var streaming = StreamingConfiguration()
    /// `pools`, in the order of the file. Names are unique.
    package var pools: [PoolConfiguration]
    /// `models`, in the order of the file. Names are unique.
    package var models: [ModelConfiguration]
    /// `routes`, in the order of the file, with those that were added by default at the end.
    package var routes: [RouteConfiguration]
    /// `backends`, in the order of the file: processes that Martlet runs itself.
    package var backends: [BackendSpec]
    /// `workers`, in the order of the file. Names are unique.
    package var workers: [WorkersConfiguration] = []
    /// `tasks`: queues of work that can wait; nil: there are none.
    package var tasks: TasksConfiguration?
    /// `knowledge`: documents that questions are answered from; nil: there are none.
    package var knowledge: KnowledgeConfiguration?
    /// `ollama`.
    package var ollama = OllamaConfiguration()

    /// The pool of that name. Names that the configuration itself uses always have one.
    package func pool(named name: String) -> PoolConfiguration? {
        pools.first { $0.name == name }
    }
}
