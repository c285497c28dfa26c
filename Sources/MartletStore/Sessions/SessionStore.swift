/// What was said in conversations, outside of the process that answers: any node goes on with any of them.
package protocol SessionStore: Sendable {
    /// What was said, the oldest first; empty: nothing, or too long ago.
    func turns(of session: String) async throws -> [SessionTurn]
    /// Adds to the end, all or none; beyond their bound, the oldest turns go.
    func append(_ turns: [SessionTurn], to session: String) async throws
    /// Forgets it; nothing where there is none.
    func remove(_ session: String) async throws
    /// Forgets what has been silent for too long, and the longest silent ones beyond their number, a few at a time.
    ///
    /// - Returns: how many conversations went.
    func prune() async throws -> Int
}

package struct SessionTurn: Sendable, Equatable, Codable {
    /// `system`, `user` or `assistant`.
    package var speaker: String
    package var text: String

    package init(speaker: String, text: String) {
        self.speaker = speaker
        self.text = text
    }

    /// With so many bytes of text at most, between characters.
    package func cut(to bytes: Int) -> SessionTurn {
        guard text.utf8.count > bytes else { return self }
        var end = text.utf8.index(text.startIndex, offsetBy: bytes)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return SessionTurn(speaker: speaker, text: String(text[..<end]))
    }
}

package struct SessionLimits: Sendable, Equatable {
    /// Of one conversation, the latest.
    package var turns = 40
    /// Of one turn, UTF-8; what is longer is cut.
    package var turnBytes = 64 << 10
    /// Conversations that have been silent for so many seconds are forgotten.
    package var age = 7.0 * 86_400
    package var sessions = 100_000
    /// Conversations that are forgotten at a time: small steps hold nothing up.
    package var pruneStep = 500

    package init() {}
}
