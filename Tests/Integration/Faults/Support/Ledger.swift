import Foundation
import MartletTools
import Testing

/// The ledger tool of the benchmarks, on one run: what clients, gateway and backends say has to agree.
struct Ledger {
    private let before: URL
    private let directory: URL

    /// Takes the opening state. Backends that are to die are left out: their counts die with them.
    static func open(_ martlet: MartletProcess, _ mocks: [MockServer] = []) async throws -> Ledger {
        let ports = mocks.flatMap { ["--mock", "\($0.port)"] }
        let opened = try await run(
            ["open", "--console", "\(martlet.consolePort)", "--pid", "\(martlet.processID)"] + ports)
        try #require(opened.status == 0, "\(opened.output)")
        let before = martlet.directory.appending(path: "before.json")
        try Data(opened.output.utf8).write(to: before)
        return Ledger(before: before, directory: martlet.directory)
    }

    /// Compares with the state now, quiet awaited: every line as text, and whether all of them balance.
    ///
    /// - Parameters:
    ///   - patience: seconds that quiet may take; short where something is expected to be wrong.
    ///   - isLossy: the network lost packets.
    func close(
        _ reports: [LoadReport], patience: Double = 5, isLossy: Bool = false
    ) async throws -> (text: String, balances: Bool) {
        var files: [String] = []
        for (number, report) in reports.enumerated() {
            let file = directory.appending(path: "load-\(number).json")
            try Data(report.json.utf8).write(to: file)
            files.append(file.path)
        }
        let options = ["--patience", "\(patience)"] + (isLossy ? ["--lossy"] : [])
        let closed = try await Self.run(["close"] + options + [before.path] + files)
        return (closed.output, closed.status == 0)
    }

    private static func run(_ arguments: [String]) async throws -> CommandRun {
        try await CommandRun.tool("python3", [Repository.root.appending(path: "Benchmarks/ledger.py").path] + arguments)
    }
}
