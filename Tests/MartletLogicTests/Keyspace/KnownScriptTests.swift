import Testing

@testable import MartletLogic

@Suite("Known scripts")
struct KnownScriptTests {
    private let shell = Shell()

    @Test("SHA-1 is the standard's")
    func digest() {
        #expect(KnownScript.sha1(of: "") == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(KnownScript.sha1(of: "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
        let twoBlocks: Bytes = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
        #expect(KnownScript.sha1(of: twoBlocks) == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
        let long = Bytes(Array(repeating: UInt8(ascii: "a"), count: 1000))
        #expect(KnownScript.sha1(of: long) == "291e9a6c66994949b57ba5e650361e98fc36b1ba")
    }

    @Test("a script is known by its SHA-1 in any case, and by nothing else")
    func recognised() {
        #expect(KnownScript(sha1: "C3F8721CBB97F72BC19E972846BD7AAF91901658") == .lockRelease)
        #expect(KnownScript(sha1: "c3f8721c") == nil)
        #expect(KnownScript(text: "return 1") == nil)
    }

    @Test("too few keys or arguments are refused")
    func tooFew() {
        for known in KnownScript.allCases {
            #expect(shell.script(known, [], []).hasPrefix("ERR the script needs"))
        }
    }

    @Test("a lock is released, extended and renewed by whoever holds it")
    func lock() {
        #expect(shell("SET lock mine PX 5000") == "OK")
        #expect(shell.script(.lockRelease, ["lock"], ["other"]) == "0")
        #expect(shell.script(.lockExtend, ["lock"], ["mine", "1000", "0"]) == "1")
        #expect(shell("PTTL lock") == "6000")
        #expect(shell.script(.lockExtend, ["lock"], ["mine", "1000", "1"]) == "1")
        #expect(shell("PTTL lock") == "1000")
        #expect(shell.script(.lockExtend, ["lock"], ["other", "1000", "1"]) == "0")
        #expect(shell.script(.lockReacquire, ["lock"], ["mine", "9000"]) == "1")
        #expect(shell.script(.lockReacquire, ["lock"], ["other", "1"]) == "0")
        #expect(shell("PTTL lock") == "9000")
        #expect(shell.script(.lockRelease, ["lock"], ["mine"]) == "1")
        #expect(shell("EXISTS lock") == "0")
        _ = shell("SET lock mine")
        #expect(shell.script(.lockExtend, ["lock"], ["mine", "1000", "0"]) == "0")
    }

    @Test("bindings of temporary queues are kept until their time is over, permanent ones longer")
    func bindings() {
        #expect(shell.script(.refreshBinding, ["b.x", "deadlines"], ["queue", "x", "5000"]) == "nil")
        #expect(shell.script(.refreshBinding, ["b.y", "deadlines"], ["queue", "y", "-1"]) == "nil")
        #expect(shell.script(.refreshBinding, ["b.z", "deadlines"], ["queue", "z", "-1"]) == "nil")
        #expect(shell.script(.refreshBinding, ["b.x", "deadlines"], ["queue", "x", "10"]) == "nil")
        #expect(shell("ZSCORE deadlines x") == ",1700000005000")
        _ = shell("SADD p.z queue")
        #expect(shell.script(.sweepBindings, ["deadlines"], ["b.", "p.", "100"]) == "2")
        #expect(shell("EXISTS b.x b.y b.z") == "2")
        #expect(shell("ZRANGE deadlines 0 -1") == "[x]")
    }

    @Test("a chord is ready once, whoever comes last, and late parts do not begin it anew")
    func chord() {
        let keys: [Bytes] = ["g.j", "g.t", "g.s", "g.d", "g", "g.c"]
        func part(_ task: String, _ score: String, token: String) -> [Bytes] {
            [Bytes(task), Bytes("result of \(task)"), "1", Bytes(score), "86400", "86400", "6", Bytes(token)]
        }
        _ = shell("SET g.s 2 EX 86400")
        #expect(shell.script(.chordPart, keys, part("a", "0", token: "t1")) == "[1 nil 2 0]")
        #expect(shell.script(.chordPart, keys, part("a", "0", token: "t1")) == "[1 nil 2 0]")
        #expect(shell.script(.chordPart, keys, part("b", "1", token: "t2")) == "[2 nil 2 1]")
        #expect(shell.script(.chordPart, keys, part("b", "1", token: "t3")) == "[2 nil 2 0]")
        #expect(shell("TTL g.j") == "86400")
        #expect(shell("TTL g.c") == "6")
        #expect(shell.script(.chordExtend, ["g.c", "g.s"], ["t2", "6"]) == "1")
        #expect(shell.script(.chordExtend, ["g.c", "g.s"], ["t3", "6"]) == "0")
        #expect(shell.script(.chordCleanup, ["g.c", "g.j", "g.t", "g.s", "g.d"], ["t3", "300"]) == "0")
        #expect(shell.script(.chordCleanup, ["g.c", "g.j", "g.t", "g.s", "g.d"], ["t2", "300"]) == "1")
        #expect(shell("GET g.c") == "done")
        #expect(shell("EXISTS g.j g.t g.s g.d") == "0")
        #expect(shell.script(.chordPart, keys, part("a", "0", token: "t4")) == "[-1 0 0 0]")
    }

    @Test("a claim that ran out is taken by who asks, while the chord is there")
    func chordClaim() {
        _ = shell("SET g.s 2")
        #expect(shell.script(.chordExtend, ["g.c", "g.s"], ["t1", "6"]) == "1")
        #expect(shell("GET g.c") == "t1")
        _ = shell("DEL g.c g.s")
        #expect(shell.script(.chordExtend, ["g.c", "g.s"], ["t1", "6"]) == "0")
    }

    @Test("failed headers that were added later count too, and parts without order go to a list")
    func chordUnordered() {
        let keys: [Bytes] = ["g.j", "g.t", "g.s", "g.d", "g", "g.c"]
        _ = shell("MSET g.s 1 g.t 1")
        let first: [Bytes] = ["a", "r", "0", "0", "0", "0", "6", "t"]
        #expect(shell.script(.chordPart, keys, first) == "[1 1 1 0]")
        let second: [Bytes] = ["b", "r", "0", "1", "0", "0", "6", "t"]
        #expect(shell.script(.chordPart, keys, second) == "[2 1 1 1]")
        #expect(shell("LRANGE g.j 0 -1") == "[r r]")
        #expect(shell("TTL g.j") == "-1")
    }

    @Test("a scaler asks how long a list, hash or set is")
    func length() {
        _ = shell("RPUSH l a b")
        _ = shell("HSET h f v")
        _ = shell("SADD s a b c")
        _ = shell("ZADD z 1 a")
        _ = shell("SET k v")
        #expect(["l", "h", "s", "z", "none"].map { shell.script(.listLength, [$0], []) } == ["2", "1", "3", "1", "0"])
        #expect(shell.script(.listLength, ["k"], []).hasPrefix("WRONGTYPE"))
    }
}
