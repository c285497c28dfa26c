/// What is wrong with a message that was pushed on a queue, in words for whoever pushed it.
public enum CeleryFlaw: String, Error, Sendable, Equatable, CaseIterable {
    case notAnObject = "it is not a JSON object"
    case notJSON = "its JSON is broken"
    case noBody = "it has no 'body' that is a string"
    case badHeaders = "its 'headers' are not an object"
    case noProperties = "it has no 'properties' that are an object"
    case noDeliveryTag = "its 'properties' have no 'delivery_tag' that is a string"
    case noDeliveryInfo = "its 'properties' have no 'delivery_info' that is an object"
    case noExchange = "its 'delivery_info' has no 'exchange' that is a string"
    case noRoutingKey = "its 'delivery_info' has no 'routing_key' that is a string"
    case noTaskName = "its 'task' is not a name"
    case noTaskID = "it names a task and has no 'id' that is a string"
    case badETA = "its 'eta' is not an ISO 8601 time"
    case badExpiry = "its 'expires' is not an ISO 8601 time"

    public var text: String { rawValue }
}
