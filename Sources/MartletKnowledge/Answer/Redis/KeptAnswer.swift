import Foundation
import MartletLogic
import MartletNet
import MartletWire
import NIOCore

/// Where answers are in a Redis server, and in what form: a hash for each of them, and lists of them by their bases and
/// by what they rest on.
struct AnswerKeys: Sendable {
    let prefix: String

    /// - Parameter store: Nodes share answers where they share a store: numbers of chunks and epochs are its own.
    init(store: String) { prefix = "martlet:knowledge:\(store):" }

    /// By the time that they were kept at, as the other lists.
    var all: String { prefix + "answers" }

    func answer(_ id: String) -> String { prefix + "answer:" + id }
    func answers(of base: String) -> String { prefix + "base:" + base }
    /// The latest that somebody told of.
    func epoch(of base: String) -> String { prefix + "epoch:" + base }

    /// Of answers of one scope that rest on the same passages: questions that mean the same are looked for there.
    func near(_ scope: AnswerScope, _ found: Set<ChunkID>) throws -> String {
        let chunks = found.map(\.number).sorted().map(String.init).joined(separator: " ")
        return prefix + "near:" + (try digest(scope, chunks))
    }

    func id(_ scope: AnswerScope, _ question: String) throws -> String { try digest(scope, question) }

    private func digest(_ scope: AnswerScope, _ text: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let scope = String(decoding: try encoder.encode(scope), as: UTF8.self)
        return ContentHash.hexadecimal(try ContentHash.text(scope, text))
    }

    /// The field of an answer with the epoch that a base had.
    static func field(_ base: String) -> String { "epoch " + base }
    static let answer = "answer"
    static let question = "question"
    static let vector = "vector"
}

/// What is kept, as it is written and read.
enum KeptAnswer {
    static func text(_ value: some Encodable) throws -> ByteBuffer {
        ByteBuffer(bytes: try JSONEncoder().encode(value))
    }

    static func read<Value: Decodable>(_ type: Value.Type, _ reply: RESPValue?) -> Value? {
        reply?.bytes.flatMap { try? JSONDecoder().decode(type, from: Data($0.readableBytesView)) }
    }

    static func bytes(_ vector: [Float]?) -> ByteBuffer {
        var bytes = ByteBuffer()
        for value in vector ?? [] { bytes.writeInteger(value.bitPattern, endianness: .little) }
        return bytes
    }

    /// nil: the question had none.
    static func vector(_ reply: RESPValue?) -> [Float]? {
        guard var bytes = reply?.bytes, bytes.readableBytes > 0 else { return nil }
        var vector: [Float] = []
        vector.reserveCapacity(bytes.readableBytes / 4)
        while let pattern = bytes.readInteger(endianness: .little, as: UInt32.self) {
            vector.append(Float(bitPattern: pattern))
        }
        return vector
    }
}

/// What the server does in one step.
enum AnswerScript {
    /// Keeps an answer, unless somebody told of a later epoch of one of its bases.
    ///
    ///     KEYS: answer, all answers, near ones, then of each base its answers and its epoch
    ///     ARGV: id, time, age (milliseconds), most answers, most near ones, key prefix, answer, question, vector,
    ///           then for each base its field and its epoch
    static let keep = """
        local bases = (#KEYS - 3) / 2
        for i = 1, bases do
          local told = redis.call('GET', KEYS[3 + 2 * i])
          if told and tonumber(told) > tonumber(ARGV[9 + 2 * i]) then return 0 end
        end
        redis.call('DEL', KEYS[1])
        redis.call('HSET', KEYS[1], 'answer', ARGV[7], 'question', ARGV[8], 'vector', ARGV[9])
        for i = 1, bases do redis.call('HSET', KEYS[1], ARGV[8 + 2 * i], ARGV[9 + 2 * i]) end
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        local function list(key, most)
          redis.call('ZADD', key, ARGV[2], ARGV[1])
          redis.call('ZREMRANGEBYSCORE', key, '-inf', ARGV[2] - ARGV[3])
          for _, id in ipairs(redis.call('ZRANGE', key, 0, -1 - most)) do
            if key == KEYS[2] then redis.call('DEL', ARGV[6] .. id) end
            redis.call('ZREM', key, id)
          end
          redis.call('PEXPIRE', key, ARGV[3])
        end
        list(KEYS[2], ARGV[4])
        list(KEYS[3], ARGV[5])
        for i = 1, bases do list(KEYS[2 + 2 * i], ARGV[4]) end
        return 1
        """

    /// Tells of an epoch, unless a later one is known.
    ///
    ///     KEYS: epoch      ARGV: epoch, age (milliseconds)
    static let tell = """
        local told = redis.call('GET', KEYS[1])
        if not told or tonumber(told) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
        return 1
        """

    /// Carries an answer over to an epoch, where it is of the one before.
    ///
    ///     KEYS: answer      ARGV: field, previous epoch, epoch
    static let carry = """
        if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
        return 1
        """
}
