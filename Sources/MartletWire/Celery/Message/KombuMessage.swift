import MartletBase

/// A message that is no task, as kombu sends it: an event, a request or a reply of remote control.
public struct KombuMessage: Sendable, Hashable {
    public let headers: RawObject
    /// What its body says.
    public let body: RawJSON

    /// - Throws: when the bytes are no envelope, or its body is not JSON.
    public init(_ envelope: [UInt8]) throws(WireError) {
        let json = try RawJSON(envelope)
        guard let body = json["body"]?.string else { throw RawJSON.notJSON }
        let type = json["content-type"]?.string ?? "application/json"
        guard type == "application/json" else { throw WireError(.invalidBody, "a content type other than JSON") }
        headers = json["headers"].flatMap { RawObject($0) } ?? RawObject()
        guard json["properties"]?["body_encoding"]?.string == "base64" else {
            self.body = try RawJSON(Array(body.utf8))
            return
        }
        guard let decoded = Base64.decode(Array(body.utf8)[...]) else {
            throw WireError(.invalidBody, "a body that is not base64")
        }
        self.body = try RawJSON(decoded)
    }
}
