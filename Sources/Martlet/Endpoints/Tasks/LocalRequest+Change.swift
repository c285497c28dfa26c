import MartletBase
import MartletExchange
import MartletNet
import MartletWire
import NIOCore

extension LocalRequest {
    /// A request that changes something: with a body of JSON, if with any, and not from a page of another site in a
    /// browser, which can reach this machine.
    func mayChange() throws(MartletError) {
        guard RequestOrigin.isOwn(headers) else {
            throw MartletError(.unauthorized, cause: "pages of other sites may not do this")
        }
        guard body.readableBytes > 0 else { return }
        let type = headers.value(.contentType)?.lowercased() ?? ""
        guard type.prefix(while: { $0 != ";" && $0 != " " }) == "application/json" else {
            throw MartletError(.badRequest, cause: "send application/json")
        }
    }
}
