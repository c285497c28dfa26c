import MartletWire

/// A tool for assistants that this process is itself, beside the models that it serves.
protocol LocalTool: Sendable {
    var name: String { get }
    /// Its entry in `tools/list`.
    var description: JSON { get }

    /// - Returns: What the assistant reads, and whether it tells of a failure.
    /// - Throws: `CancellationError`, and what nobody foresaw.
    func call(_ arguments: JSON) async throws -> (text: String, isError: Bool)
}
