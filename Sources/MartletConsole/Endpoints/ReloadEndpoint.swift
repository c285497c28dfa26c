import MartletBase
package import MartletExchange
import MartletWire

/// What became of a reload.
package enum ReloadResult: Sendable, Equatable {
    /// The new configuration holds, but for these keys.
    case done(needsRestart: [String])
    /// There is no file to read.
    case unchanged
    /// The file is wrong, or asks for what cannot be: nothing changed.
    case refused(String)
}

/// `POST /reload`: reads the configuration anew and says what came of it.
package final class ReloadEndpoint: LocalHandler {
    private let reload: @Sendable () async -> ReloadResult

    package init(_ reload: @escaping @Sendable () async -> ReloadResult) {
        self.reload = reload
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mustBeCommand()
        switch await reload() {
        case .done(let keys):
            let list = keys.map { JSONText.quoted($0) }.joined(separator: ",")
            return .json(#"{"result":"reloaded","needs_restart":[\#(list)]}"#)
        case .unchanged: return .json(#"{"result":"nothing to reload: started without a file"}"#)
        case .refused(let reason): throw MartletError(.invalidBody, operation: "reload", cause: reason)
        }
    }
}

extension LocalRequest {
    /// A command to the console: POST, JSON, and not from a web page in the operator's browser, which can send a form
    /// to loopback but not JSON without asking first.
    package func mustBeCommand() throws {
        try must(be: .post)
        let type = headers.value(.contentType)?.lowercased() ?? ""
        guard type.hasPrefix("application/json"), !headers.contains(.origin) else {
            throw MartletError(.badRequest, cause: "send application/json, and not from a web page")
        }
    }
}
