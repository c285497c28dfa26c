import Testing

@testable import MartletLogic

@Suite("Sorted sets")
struct SortedSetCommandTests {
    private let shell = Shell()

    @Test("scores are set under conditions")
    func add() {
        shell.play(
            """
            ZADD z 1 a 2 b -> 2
            ZADD z 3 a 3 c -> 1
            ZADD z CH 4 a 4 d -> 2
            ZADD z NX 9 a -> 0
            ZADD z XX 9 x -> 0
            ZADD z GT CH 3 a 6 b -> 1
            ZADD z LT CH 3 a 9 b -> 1
            ZADD z INCR 5 a -> ,8
            ZADD z NX INCR 5 a -> nil
            ZADD z XX INCR 5 x -> nil
            ZADD z NX GT 1 a -> ERR GT, LT, and/or NX options at the same time are not compatible
            ZADD z NX XX 1 a -> ERR XX and NX options at the same time are not compatible
            ZADD z INCR 1 a 2 b -> ERR INCR option supports a single increment-element pair
            ZADD z 1 -> ERR wrong number of arguments for 'zadd' command
            ZADD z 1 a 2 -> ERR syntax error
            ZADD z x a -> ERR value is not a valid float
            ZADD z nan a -> ERR value is not a valid float
            ZADD z inf a -> 0
            ZINCRBY z -inf a -> ERR resulting score is not a number (NaN)
            ZINCRBY y -0 zero -> ,-0
            ZSCORE y zero -> ,0
            ZINCRBY z 1.5 n -> ,1.5
            ZSCORE z a -> ,inf
            ZSCORE z x -> nil
            ZMSCORE z n x -> [,1.5 nil]
            ZCARD z -> 5
            ZREM z a b x a -> 2
            ZREM z c d n -> 3
            EXISTS z -> 0
            SET k v -> OK
            ZADD k 1 a -> WRONGTYPE Operation against a key holding the wrong kind of value
            ZADD s -0 a -> 1
            ZSCORE s a -> ,0
            """)
    }

    @Test("members are read by rank, score and name, from either end")
    func ranges() {
        shell.play(
            """
            ZADD z 1 a 2 b 3 c 4 d -> 4
            ZRANGE z 0 1 -> [a b]
            ZRANGE z -2 -1 WITHSCORES -> [c,3 d,4]
            ZRANGE z 0 0 REV -> [d]
            ZREVRANGE z 1 2 -> [c b]
            ZRANGE z 2 3 BYSCORE -> [b c]
            ZRANGE z (2 +inf BYSCORE LIMIT 1 5 -> [d]
            ZRANGE z 3 1 BYSCORE REV WITHSCORES LIMIT 0 2 -> [c,3 b,2]
            ZRANGEBYSCORE z -inf (3 -> [a b]
            ZREVRANGEBYSCORE z +inf 2 LIMIT 1 -1 -> [c b]
            ZREVRANGEBYSCORE z 3 2 WITHSCORES -> [c,3 b,2]
            ZRANGEBYSCORE z x 3 -> ERR min or max is not a float
            ZRANGE z 0 1 LIMIT 0 1 -> ERR syntax error, \
            LIMIT is only supported in combination with either BYSCORE or BYLEX
            ZRANGE z - + BYLEX WITHSCORES -> ERR syntax error, WITHSCORES not supported in combination with BYLEX
            ZRANGE z a + BYLEX -> ERR min or max not valid string range item
            ZRANGE z 0 1 BYSCORE BYLEX -> ERR syntax error
            ZADD y 0 a 0 b 0 c 0 d -> 4
            ZRANGE y [b (d BYLEX -> [b c]
            ZRANGE y + - BYLEX REV LIMIT 0 2 -> [d c]
            ZCOUNT z (1 3 -> 2
            ZRANK z c -> 2
            ZREVRANK z c -> 1
            ZRANK z x -> nil
            ZRANGE none 0 -1 -> []
            """)
    }

    @Test("members are taken by rank, by score and from the ends")
    func removes() {
        shell.play(
            """
            ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g -> 7
            ZPOPMIN z -> [a ,1]
            ZPOPMAX z 2 -> [g,7 f,6]
            ZPOPMIN z 0 -> []
            ZPOPMIN z x -> ERR value is out of range, must be positive
            ZREMRANGEBYRANK z 0 0 -> 1
            ZREMRANGEBYSCORE z 3 (5 -> 2
            ZRANGE z 0 -1 -> [e]
            ZREMRANGEBYRANK z 0 -1 -> 1
            EXISTS z -> 0
            ZPOPMIN z -> []
            ZADD z 1700000000.123456 a 0.5 b -> 2
            ZSCAN z 0 -> [0 [a 1700000000.123456 b 0.5]]
            """)
    }
}
