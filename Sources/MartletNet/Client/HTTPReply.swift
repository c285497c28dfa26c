package import MartletWire

/// A whole reply: the control plane's requests are small and are read to their end.
package struct HTTPReply: Sendable {
    package var status: Int
    package var headers: HeaderBlock
    package var body: [UInt8]

    package init(status: Int, headers: HeaderBlock = HeaderBlock(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
