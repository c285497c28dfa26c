import Testing

@testable import MartletLogic

@Suite("Keys")
struct KeyCommandTests {
    private let shell = Shell()

    @Test("names are in any case, and wrong numbers of arguments are refused before anything else")
    func names() {
        #expect(KeyspaceCommand.named("zRangeByScore") == .zrangebyscore)
        #expect(KeyspaceCommand.named("zrangebyscorex") == nil)
        #expect(KeyspaceCommand.named("") == nil)
        for command in KeyspaceCommand.allCases where !command.accepts(0) {
            let answer = shell.run(command, [])
            let text = "wrong number of arguments for '\(command.rawValue)' command"
            #expect(answer == .error(code: "ERR", text: text))
        }
        #expect(shell.run(.get, ["k"], in: 32) == CommandRefusal.databaseOutOfRange.answer)
    }

    @Test("a command names its keys, wherever they stand")
    func keys() {
        #expect(KeyspaceCommand.get.keys(in: ["k"]) == ["k"])
        #expect(KeyspaceCommand.mset.keys(in: ["a", "1", "b", "2"]) == ["a", "b"])
        #expect(KeyspaceCommand.lmove.keys(in: ["a", "b", "LEFT", "LEFT"]) == ["a", "b"])
        #expect(KeyspaceCommand.object.keys(in: ["ENCODING", "k"]) == ["k"])
        #expect(KeyspaceCommand.flushdb.keys(in: []) == [])
        #expect(KeyspaceCommand.get.keys(in: []) == [])
        #expect(KeyspaceCommand.lpush.effect == .writes && KeyspaceCommand.lpush.mayGrow)
        #expect(KeyspaceCommand.lpop.effect == .writes && !KeyspaceCommand.lpop.mayGrow)
        #expect(KeyspaceCommand.llen.effect == .reads)
    }

    @Test("keys are counted, removed, and say what they hold")
    func whole() {
        shell.play(
            """
            MSET a 1 b 2 -> OK
            RPUSH l x -> 1
            HSET h f v -> 1
            SADD s m -> 1
            ZADD z 1 m -> 1
            EXISTS a a none -> 2
            TOUCH a none -> 1
            TYPE a -> string
            TYPE l -> list
            TYPE h -> hash
            TYPE s -> set
            TYPE z -> zset
            TYPE none -> none
            DBSIZE -> 6
            DEL a a none -> 1
            UNLINK b -> 1
            OBJECT ENCODING l -> quicklist
            OBJECT encoding none -> nil
            OBJECT FREQ l -> ERR unknown subcommand 'FREQ'. Try OBJECT HELP.
            FLUSHDB now -> ERR syntax error
            FLUSHDB ASYNC -> OK
            DBSIZE -> 0
            RANDOMKEY -> nil
            """)
    }

    @Test("time ends a key, under the conditions that were named")
    func expire() {
        shell.play(
            """
            EXPIRE none 10 -> 0
            SET k v -> OK
            EXPIRE k 10 XX -> 0
            EXPIRE k 10 GT -> 0
            EXPIRE k 10 LT -> 1
            EXPIRE k 20 NX -> 0
            PEXPIRE k 20000 GT -> 1
            EXPIRE k 30 LT -> 0
            TTL k -> 20
            EXPIRETIME k -> 1700000020
            PEXPIRETIME k -> 1700000020000
            PERSIST k -> 1
            PERSIST k -> 0
            TTL k -> -1
            TTL none -> -2
            EXPIREAT k 1700000001 -> 1
            PEXPIREAT k 1700000002000 -> 1
            wait 1999
            PTTL k -> 1
            GET k -> v
            wait 1
            GET k -> nil
            SET k v -> OK
            EXPIRE k -1 -> 1
            EXISTS k -> 0
            SET k v -> OK
            EXPIRE k 1 NX XX -> ERR NX and XX, GT or LT options at the same time are not compatible
            EXPIRE k 1 GT LT -> ERR GT and LT options at the same time are not compatible
            EXPIRE k 1 bogus -> ERR Unsupported option bogus
            EXPIRE k 9223372036854775807 -> ERR invalid expire time in 'expire' command
            PEXPIREAT k 9223372036854775807 -> 1
            EXPIRETIME k -> 9223372036854776
            EXPIRE k 1.5 -> ERR value is not an integer or out of range
            """)
    }

    @Test("keys go to other names and databases with their end, and stay what they were when they cannot")
    func moves() {
        shell.play(
            """
            SET a 1 EX 100 -> OK
            SET b 2 -> OK
            RENAMENX a b -> 0
            RENAME a b -> OK
            TTL b -> 100
            RENAME a b -> ERR no such key
            RENAME b b -> OK
            RENAMENX b b -> 0
            COPY b c -> 1
            COPY b c -> 0
            COPY b c REPLACE -> 1
            TTL c -> 100
            COPY b b -> ERR source and destination objects are the same
            COPY b b DB 1 -> 1
            COPY b b DB 16 -> ERR DB index is out of range
            COPY b c DB -> ERR syntax error
            MOVE b 1 -> 0
            MOVE c 1 -> 1
            MOVE b 0 -> ERR source and destination objects are the same
            MOVE b 77 -> ERR DB index is out of range
            EXISTS b c -> 1
            SWAPDB 0 1 -> OK
            EXISTS b c -> 2
            SWAPDB 0 16 -> ERR DB index is out of range
            SWAPDB x 1 -> ERR invalid first DB index
            """)
    }

    @Test("what clients empty are the databases of clients, not the hidden ones")
    func hidden() {
        for database in [0, 1, 16] { _ = shell.run(.set, ["k", "v"], in: database) }
        _ = shell("FLUSHALL")
        #expect([0, 1, 16].map { shell.keyspace.count(in: $0) } == [0, 0, 1])
        #expect(shell.keyspace.count(in: 99) == 0)
    }

    @Test("keys are found by pattern and type, whole or step by step")
    func scan() {
        for index in 0..<100 { _ = shell("SET key\(index) v") }
        _ = shell("RPUSH list x")
        #expect(shell("KEYS key9?").split(separator: " ").count == 10)
        #expect(shell("SCAN 0 COUNT 1000 TYPE list") == "[0 [list]]")
        #expect(shell("SCAN 0 COUNT 1000 MATCH key42") == "[0 [key42]]")
        #expect(shell("SCAN x") == "ERR invalid cursor")
        #expect(shell("SCAN 0 COUNT 0") == "ERR syntax error")
        var seen = Set<Bytes>()
        var cursor: Bytes = "0"
        repeat {
            guard case .array(let parts) = shell.run(.scan, [cursor]),
                case .bulk(let next) = parts[0], case .array(let keys) = parts[1]
            else { return #expect(Bool(false), "a scan answers a cursor and keys") }
            for case .bulk(let key) in keys { seen.insert(key) }
            cursor = next
        } while cursor != "0"
        #expect(seen.count == 101)
    }
}
