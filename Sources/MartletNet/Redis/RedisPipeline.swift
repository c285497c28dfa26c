import MartletWire
package import NIOCore

/// Commands as they are sent, written as they are said: no word of them is kept by itself.
///
///     var pipeline = RedisPipeline()
///     pipeline.command("SADD", words: 2)
///     pipeline.word(key)
///     pipeline.word(member)
package struct RedisPipeline: Sendable {
    package private(set) var bytes = ByteBuffer()
    /// How many commands: so many replies will come.
    package private(set) var count = 0

    private static let writer = RESPWriter(version: .two)

    package init() {}

    /// Begins a command; so many words have to follow its name.
    package mutating func command(_ name: String, words: Int) {
        count += 1
        Self.writer.array(words + 1, into: &bytes)
        word(name)
    }

    package mutating func word(_ text: String) { Self.writer.bulk(text, into: &bytes) }

    package mutating func word(_ buffer: ByteBuffer) { Self.writer.bulk(buffer, into: &bytes) }

    package mutating func word(_ number: Int64) { Self.writer.bulk(String(number), into: &bytes) }

    /// A whole command.
    package mutating func append(_ words: [ByteBuffer]) {
        count += 1
        RESPWriter.command(words, into: &bytes)
    }

    /// The commands of another one.
    package mutating func append(_ other: RedisPipeline) {
        count += other.count
        bytes.writeImmutableBuffer(other.bytes)
    }

    /// A whole command.
    package mutating func append(_ words: [String]) {
        count += 1
        RESPWriter.command(words, into: &bytes)
    }
}
