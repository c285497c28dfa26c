"""Commands of the broker's subset, made by chance: mostly right ones on few keys of each type, some wrong ones."""

import random
import time

LONG = bytes(range(200, 255)) + b"\r\n\x00" * 5
VALUES = [
    b"a", b"b", b"hello", b"", b"0", b"1", b"-3", b"10", b"007", b"3.5", b"1e3", b"9223372036854775807",
    b"-9223372036854775808", b"x\x00\xff\r\ny", LONG, b"12345678.9", b"inf", b" 1", b"99999999999999999999"]
PATTERNS = [
    b"*", b"s*", b"?1", b"[a-l]*", b"*[12]", b"[^s]*", b"m1?", b"\\m*", b"m[1", b"", b"h\\", b"[a-", b"**1", b"[]m]*"]
INDEXES = [b"-100", b"100", b"9223372036854775807", b"-9223372036854775808", b"abc", b"1.5", b"", b"+1", b"-0"]


class Grammar:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.rules = self._rules()
        self.names = list(self.rules)
        heavy = {"ZADD": 3, "SADD": 3, "HSET": 2, "RPUSH": 2, "LPUSH": 2, "SET": 2}
        rare = {"FLUSHDB": .05, "FLUSHALL": .02, "DEL": .5, "RENAME": .4, "SPOP": .2, "LTRIM": .3, "EXPIRE": .6}
        self.weights = [heavy.get(name, rare.get(name, 1)) for name in self.names]

    def command(self):
        """The words of a command, its name first."""
        name = self.random.choices(self.names, self.weights)[0]
        words = self.rules[name]()
        if self.random.random() < .02 and words:
            words.pop(self.random.randrange(len(words)))
        if self.random.random() < .02:
            words.insert(self.random.randrange(len(words) + 1), self.value())
        if name in UNBOUNDED:
            # Whatever was left out: all at once, because cursors are each server's own.
            words += [b"COUNT", b"100000"]
        if name in CHOOSING and (len(words) < 2 or words[1] not in CHOOSING_ALL):
            words = [words[0] if words else self.key("t"), b"100000"]
        return [(name.lower() if self.random.random() < .1 else name).encode(), *words]

    # --- words ---------------------------------------------------------------------------------------------------

    def key(self, kind):
        if self.random.random() < .1:
            kind = self.random.choice("slhtz")
        return f"{kind}{self.random.randrange(6)}".encode()

    def some(self):
        return self.key(self.random.choice("slhtz"))

    def value(self):
        return self.random.choice(VALUES)

    def member(self):
        return b"m%d" % self.random.randrange(self.random.choice((4, 12, 40, 300)))

    def integer(self):
        return b"%d" % self.random.randrange(-8, 8) if self.random.random() < .85 else self.random.choice(INDEXES)

    def score(self):
        odd = [b"inf", b"-inf", b"nan", b"abc", b"1e2", b"-0", b"1700000000.123456", b".5", b"5.", b"1e400", b""]
        return b"%d" % self.random.randrange(-20, 60) if self.random.random() < .7 else self.random.choice(odd)

    def bound(self):
        odd = [b"-inf", b"+inf", b"(", b"abc", b"(2.5", b"(inf", b"nan"]
        number = b"%d" % self.random.randrange(-10, 40)
        return self.random.choice([number, b"(" + number, self.random.choice(odd)])

    def seconds(self):
        return b"%d" % self.random.randrange(1000, 10**6) if self.random.random() < .88 else self.random.choice(
            [b"0", b"-1", b"abc", b"9223372036854775807", b"1e3", b""])

    def moment(self):
        return b"%d" % (time.time() + self.random.randrange(1000, 10**6))

    def many(self, make, most=4):
        return [make() for _ in range(self.random.randrange(1, most + 1))]

    def pairs(self, left, right, most=4):
        return [word for _ in range(self.random.randrange(1, most + 1)) for word in (left(), right())]

    def maybe(self, *words, chance=.4):
        return list(words) if self.random.random() < chance else []

    def options(self, *words, most=2):
        return [self.random.choice(words) for _ in range(self.random.choice([0, 0, 0, *range(1, most + 1)]))]

    def set_options(self):
        words = []
        for option in self.options(b"NX", b"XX", b"GET", b"KEEPTTL", b"EX", b"EXAT", b"nx", b"bogus", most=3):
            words.append(option)
            if option in (b"EX", b"EXAT"):
                words.append(self.seconds() if option == b"EX" else self.moment())
        return words

    def scan(self):
        return self.maybe(b"MATCH", self.random.choice(PATTERNS))

    def limit(self):
        return self.maybe(b"LIMIT", self.integer(), self.integer(), chance=.35)

    def z_range(self):
        by_score = self.random.random() < .5
        ends = [self.bound(), self.bound()] if by_score else [self.integer(), self.integer()]
        return [
            *ends, *([b"BYSCORE"] if by_score else []), *self.maybe(b"REV"), *self.maybe(b"WITHSCORES"), *self.limit()]

    # --- rules ---------------------------------------------------------------------------------------------------

    def _rules(self):
        key, value, member, integer, score, bound = (
            self.key, self.value, self.member, self.integer, self.score, self.bound)
        chance, many, pairs, maybe = self.random.choice, self.many, self.pairs, self.maybe
        s, l, h, t, z = (lambda kind=kind: key(kind) for kind in "slhtz")  # noqa: E741
        end = lambda: chance([b"LEFT", b"RIGHT", b"left", b"x"])  # noqa: E731
        return {
            "GET": lambda: [s()], "SET": lambda: [s(), value(), *self.set_options()],
            "SETEX": lambda: [s(), self.seconds(), value()], "PSETEX": lambda: [s(), self.seconds() + b"000", value()],
            "SETNX": lambda: [s(), value()], "GETSET": lambda: [s(), value()], "GETDEL": lambda: [s()],
            "MGET": lambda: many(s), "MSET": lambda: pairs(s, value), "MSETNX": lambda: pairs(s, value, 2),
            "APPEND": lambda: [s(), value()], "STRLEN": lambda: [s()], "INCR": lambda: [s()], "DECR": lambda: [s()],
            "INCRBY": lambda: [s(), integer()], "DECRBY": lambda: [s(), integer()],
            "INCRBYFLOAT": lambda: [s(), chance([b"0.1", b"-3", b"3e2", b"abc", b"inf", b"123456789.123"])],
            "GETRANGE": lambda: [s(), integer(), integer()],
            "SETRANGE": lambda: [s(), chance([b"0", b"7", b"-1"]), value()],
            "DEL": lambda: many(self.some), "UNLINK": lambda: [self.some()], "EXISTS": lambda: many(self.some),
            "TYPE": lambda: [self.some()], "TOUCH": lambda: many(self.some),
            "EXPIRE": lambda: [self.some(), self.seconds(), *self.options(b"NX", b"XX", b"GT", b"LT", b"bogus")],
            "EXPIREAT": lambda: [self.some(), self.moment(), *self.options(b"NX", b"XX", b"GT", b"LT")],
            "TTL": lambda: [self.some()], "PTTL": lambda: [self.some()], "EXPIRETIME": lambda: [self.some()],
            "PERSIST": lambda: [self.some()], "RENAME": lambda: [self.some(), self.some()],
            "RENAMENX": lambda: [self.some(), self.some()], "KEYS": lambda: [chance(PATTERNS)],
            "SCAN": lambda: [b"0", *self.scan(), *maybe(b"TYPE", chance([b"string", b"list", b"zset", b"foo"]))],
            "RANDOMKEY": lambda: [], "DBSIZE": lambda: [], "FLUSHDB": lambda: maybe(b"ASYNC"), "FLUSHALL": lambda: [],
            "COPY": lambda: [self.some(), self.some(), *maybe(b"REPLACE")],
            "LPUSH": lambda: [l(), *many(value)], "RPUSH": lambda: [l(), *many(value)],
            "LPUSHX": lambda: [l(), *many(value)], "RPUSHX": lambda: [l(), *many(value)],
            "LPOP": lambda: [l(), *maybe(integer())], "RPOP": lambda: [l(), *maybe(integer())], "LLEN": lambda: [l()],
            "LRANGE": lambda: [l(), integer(), integer()], "LINDEX": lambda: [l(), integer()],
            "LSET": lambda: [l(), integer(), value()], "LREM": lambda: [l(), integer(), value()],
            "LTRIM": lambda: [l(), integer(), integer()], "RPOPLPUSH": lambda: [l(), l()],
            "LINSERT": lambda: [l(), chance([b"BEFORE", b"after", b"x"]), value(), value()],
            "LMOVE": lambda: [l(), l(), end(), end()],
            "HSET": lambda: [h(), *pairs(member, value)], "HSETNX": lambda: [h(), member(), value()],
            "HMSET": lambda: [h(), *pairs(member, value)], "HGET": lambda: [h(), member()],
            "HMGET": lambda: [h(), *many(member)], "HGETALL": lambda: [h()], "HDEL": lambda: [h(), *many(member)],
            "HEXISTS": lambda: [h(), member()], "HLEN": lambda: [h()], "HKEYS": lambda: [h()], "HVALS": lambda: [h()],
            "HINCRBY": lambda: [h(), member(), integer()], "HSTRLEN": lambda: [h(), member()],
            "HSCAN": lambda: [h(), b"0", *self.scan()],
            "SADD": lambda: [t(), *many(member, 6)], "SREM": lambda: [t(), *many(member)], "SMEMBERS": lambda: [t()],
            "SISMEMBER": lambda: [t(), member()], "SMISMEMBER": lambda: [t(), *many(member)], "SCARD": lambda: [t()],
            "SPOP": lambda: [t(), chance(CHOOSING_ALL)], "SSCAN": lambda: [t(), b"0", *self.scan()],
            "SUNION": lambda: many(t), "SINTER": lambda: many(t), "SDIFF": lambda: many(t),
            "SMOVE": lambda: [t(), t(), member()],
            "ZADD": lambda: [z(), *self.options(b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"), *pairs(score, member)],
            "ZREM": lambda: [z(), *many(member)], "ZSCORE": lambda: [z(), member()],
            "ZMSCORE": lambda: [z(), *many(member)], "ZCARD": lambda: [z()], "ZCOUNT": lambda: [z(), bound(), bound()],
            "ZRANGE": lambda: [z(), *self.z_range()],
            "ZRANGEBYSCORE": lambda: [z(), bound(), bound(), *maybe(b"WITHSCORES"), *self.limit()],
            "ZREVRANGE": lambda: [z(), integer(), integer(), *maybe(b"WITHSCORES")],
            "ZREVRANGEBYSCORE": lambda: [z(), bound(), bound(), *self.limit(), *maybe(b"WITHSCORES")],
            "ZRANK": lambda: [z(), member()], "ZREVRANK": lambda: [z(), member()],
            "ZINCRBY": lambda: [z(), score(), member()], "ZPOPMIN": lambda: [z(), *maybe(integer())],
            "ZPOPMAX": lambda: [z(), *maybe(integer())], "ZREMRANGEBYSCORE": lambda: [z(), bound(), bound()],
            "ZREMRANGEBYRANK": lambda: [z(), integer(), integer()], "ZSCAN": lambda: [z(), b"0", *self.scan()],
            "PING": lambda: maybe(value()), "ECHO": lambda: [value()], "MULTI": lambda: [], "EXEC": lambda: [],
            "DISCARD": lambda: [], "WATCH": lambda: many(self.some), "UNWATCH": lambda: [],
        }


# Their cursors and their order are each server's own.
UNBOUNDED = {"SCAN", "SSCAN", "HSCAN", "ZSCAN"}
# What they choose is chance, but for all or nothing.
CHOOSING = {"SPOP"}
CHOOSING_ALL = [b"100000", b"0", b"-1", b"abc"]
