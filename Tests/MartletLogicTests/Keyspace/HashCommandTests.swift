import Testing

@testable import MartletLogic

@Suite("Hashes")
struct HashCommandTests {
    private let shell = Shell()

    @Test("fields are set, read and removed, and an empty hash is no key")
    func fields() {
        shell.play(
            """
            HSET h a 1 b 2 a 3 -> 2
            HSET h a 1 -> 0
            HSET h a -> ERR wrong number of arguments for 'hset' command
            HSET h a 1 b -> ERR wrong number of arguments for 'hset' command
            HMSET h c 4 -> OK
            HSETNX h a 9 -> 0
            HSETNX h d 5 -> 1
            HGET h a -> 1
            HGET h x -> nil
            HMGET h a x d -> [1 nil 5]
            HMGET none a b -> [nil nil]
            HGETALL h -> {a=1 b=2 c=4 d=5}
            HKEYS h -> [a b c d]
            HVALS h -> [1 2 4 5]
            HLEN h -> 4
            HSTRLEN h a -> 1
            HSTRLEN h x -> 0
            HEXISTS h a -> 1
            HEXISTS h x -> 0
            HDEL h a a x -> 1
            HDEL h b c d -> 3
            EXISTS h -> 0
            HGETALL h -> {}
            HDEL h a -> 0
            SET s v -> OK
            HSET s a 1 -> WRONGTYPE Operation against a key holding the wrong kind of value
            HGETALL s -> WRONGTYPE Operation against a key holding the wrong kind of value
            """)
    }

    @Test("fields are counted")
    func counts() {
        shell.play(
            """
            HINCRBY h n 5 -> 5
            HINCRBY h n -7 -> -2
            HSET h n 9223372036854775807 t x -> 1
            HINCRBY h n 1 -> ERR increment or decrement would overflow
            HINCRBY h t 1 -> ERR hash value is not an integer
            HINCRBY h n x -> ERR value is not an integer or out of range
            HINCRBYFLOAT h f 10.5 -> 10.5
            HINCRBYFLOAT h f 0.125 -> 10.625
            HINCRBYFLOAT h t 1 -> ERR hash value is not a float
            HINCRBYFLOAT h f inf -> ERR value is NaN or Infinity
            HGET h f -> 10.625
            """)
    }

    @Test("a scan answers fields with their values")
    func scan() {
        shell.play(
            """
            HSET h a 1 b 2 -> 2
            HSCAN h 0 -> [0 [a 1 b 2]]
            HSCAN h 0 MATCH b COUNT 5 -> [0 [b 2]]
            HSCAN none 0 -> [0 []]
            HSCAN h x -> ERR invalid cursor
            HSCAN h 0 TYPE string -> ERR syntax error
            """)
    }
}
