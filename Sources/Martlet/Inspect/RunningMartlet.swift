import Foundation
import MartletNet
import MartletWire
import NIOCore

/// Finds a Martlet that runs on this machine.
package enum RunningMartlet {
    package enum Failure: Error, CustomStringConvertible {
        case elsewhere(String)
        case silent(String, String)

        package var description: String {
            switch self {
            case .elsewhere(let url): "\(url) is not on this machine: run the command there"
            case .silent(let url, let reason):
                "no console answers at \(url) (\(reason)): give a process id, or the console's URL"
            }
        }
    }

    private struct Status: Decodable {
        struct Process: Decodable {
            var pid: Int32
        }
        var process: Process
    }

    /// The process that serves: `target` itself when it is a number, else as the console at that URL says.
    package static func pid(_ target: String, token: String?) async throws -> Int32 {
        if let pid = Int32(target) { return pid }
        let host = try HTTPURL(target).origin.host
        guard host == "localhost" || SocketAddress.literal(host, port: 0)?.isLoopback == true else {
            throw Failure.elsewhere(target)
        }
        do {
            let reply = try await ConsoleClient(url: target, token: token).status()
            return try JSONDecoder().decode(Status.self, from: Data(reply.text.utf8)).process.pid
        } catch {
            throw Failure.silent(target, "\(error)")
        }
    }
}
