import NIOCore
import NIOPosix

/// Makes load and says what became of it.
package enum LoadGenerator {
    /// Runs until the count or the duration asked for is over and every request has ended. Throws when the host or a
    /// source address cannot be resolved; whatever the server does is in the report.
    package static func run(_ options: LoadOptions) async throws -> LoadReport {
        let address = try resolve(options.host, options.port)
        let sources = try options.sources.map { source in
            guard let address = try? SocketAddress(ipAddress: source, port: 0) else {
                throw ToolError(description: "'\(source)' is not an IP address")
            }
            return address
        }
        let origin = monotonicNanoseconds()
        let threads = max(min(options.threads, options.connections), 1)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        var runs: [EventLoopFuture<LoadReport>] = []
        for index in 0..<threads {
            let share = LoadLoop.Share(
                index: index, of: threads, origin: origin, connections: part(options.connections, index, threads),
                count: options.count.map { part($0, index, threads) }, rate: options.rate.map { $0 / Double(threads) })
            let loop = group.next()
            runs.append(
                loop.flatSubmit {
                    LoadLoop(options, share: share, address: address, sources: sources, loop: loop).run()
                })
        }
        var report = LoadReport()
        report.asked = (options.virtualHost, options.path)
        for run in runs { report.merge(try await run.get()) }
        try await group.shutdownGracefully()
        return report
    }

    private static func resolve(_ host: String, _ port: Int) throws -> SocketAddress {
        do {
            return try SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            throw ToolError(description: "cannot resolve '\(host)': \(error)")
        }
    }

    /// The share of part `index` when `whole` is dealt out evenly.
    private static func part(_ whole: Int, _ index: Int, _ parts: Int) -> Int {
        whole / parts + (index < whole % parts ? 1 : 0)
    }
}
