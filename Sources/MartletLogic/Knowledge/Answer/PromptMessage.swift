/// What a chat model is given, one after the other.
public struct PromptMessage: Sendable, Hashable, Encodable {
    public enum Role: String, Sendable, Encodable { case system, user, assistant }

    public var role: Role
    public var text: String

    public init(_ role: Role, _ text: String) {
        self.role = role
        self.text = text
    }

    /// An estimate.
    public var tokens: Int { TokenEstimate.tokens(text) + TokenEstimate.message }
}
