import Foundation
package import MartletBase
package import MartletNet
package import NIOCore

/// What `POST /targets` is told to do.
package struct TargetsCommand: Equatable, Sendable {
    package enum Action: String, Decodable, Sendable {
        case add, drain, remove
    }

    private struct Body: Decodable {
        var action: String
        var pool: String
        var url: String
        var version: String?
    }

    package let action: Action
    package let pool: String
    package let origin: Origin
    package let version: String?

    /// Reads the body of the request.
    package init(_ bytes: ByteBuffer) throws(MartletError) {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(bytes.readableBytesView)) else {
            throw MartletError(.invalidBody, cause: #"the body must be {"action":…,"pool":…,"url":…}"#)
        }
        guard let action = Action(rawValue: body.action) else {
            throw MartletError(.invalidBody, cause: "`action` must be add, drain or remove")
        }
        do throws(HTTPURLError) {
            origin = try HTTPURL(body.url).origin
        } catch {
            throw MartletError(.invalidBody, cause: "\(error)")
        }
        self.action = action
        pool = body.pool
        version = body.version
    }
}
