import Dispatch
import GRDB
import Glibc

/// The errors of a store that stands on SQLite and files: which of them are a damage and which a full disk.
protocol StoreError: Error, Sendable {
    static func damaged(_ reason: String) -> Self
    static func full(_ reason: String) -> Self
    static func failed(_ reason: String) -> Self
}

extension StoreError {
    init(_ error: DatabaseError) {
        let reason = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(reason)
        case .SQLITE_FULL: self = .full(reason)
        default: self = .failed(reason)
        }
    }

    /// Whatever `body` throws, as one of these.
    static func mapped<Result>(_ body: () throws -> Result) throws(Self) -> Result {
        do {
            return try body()
        } catch let error as Self {
            throw error
        } catch let error as DatabaseError {
            throw Self(error)
        } catch let error as FilesError {
            throw error.code == ENOSPC || error.code == EDQUOT ? .full("\(error)") : .failed("\(error)")
        } catch {
            throw .failed("\(error)")
        }
    }

    /// Runs `body` on a queue that may wait for the disk.
    static func run<Result: Sendable>(
        on queue: DispatchQueue, _ body: @escaping @Sendable () throws(Self) -> Result
    ) async throws(Self) -> Result {
        let outcome: Swift.Result<Result, Self> = await withCheckedContinuation { continuation in
            queue.async {
                continuation.resume(returning: Swift.Result { () throws(Self) in try body() })
            }
        }
        return try outcome.get()
    }
}
