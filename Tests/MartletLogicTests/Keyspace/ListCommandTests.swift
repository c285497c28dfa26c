import MartletBase
import Testing

@testable import MartletLogic

@Suite("Lists")
struct ListCommandTests {
    private let shell = Shell()

    @Test("elements come and go at both ends, and an empty list is no key")
    func ends() {
        shell.play(
            """
            LPUSHX l a -> 0
            LPUSH l b a -> 2
            RPUSH l c d -> 4
            RPUSHX l e -> 5
            LRANGE l 0 -1 -> [a b c d e]
            LPOP l -> a
            RPOP l 2 -> [e d]
            LPOP l 0 -> []
            LPOP l 9 -> [b c]
            EXISTS l -> 0
            LPOP l -> nil
            RPOP l 2 -> nil[]
            LPOP l -1 -> ERR value is out of range, must be positive
            LLEN l -> 0
            SET s v -> OK
            LPUSH s a -> WRONGTYPE Operation against a key holding the wrong kind of value
            LLEN s -> WRONGTYPE Operation against a key holding the wrong kind of value
            """)
    }

    @Test("places count from either end")
    func places() {
        shell.play(
            """
            RPUSH l a b c d e -> 5
            LINDEX l 0 -> a
            LINDEX l -1 -> e
            LINDEX l 5 -> nil
            LRANGE l 1 2 -> [b c]
            LRANGE l -2 100 -> [d e]
            LRANGE l 3 1 -> []
            LSET l -1 E -> OK
            LSET l 9 x -> ERR index out of range
            LSET none 0 x -> ERR no such key
            LTRIM l 1 -2 -> OK
            LRANGE l 0 -1 -> [b c d]
            LTRIM l 5 9 -> OK
            EXISTS l -> 0
            LTRIM l 0 0 -> OK
            """)
    }

    @Test("elements are found, removed and joined by their values")
    func values() {
        shell.play(
            """
            RPUSH l a b a c a -> 5
            LREM l 1 a -> 1
            LREM l -1 a -> 1
            LRANGE l 0 -1 -> [b a c]
            LREM l 0 a -> 1
            LREM l 0 x -> 0
            LINSERT l BEFORE c x -> 3
            LINSERT l after c y -> 4
            LRANGE l 0 -1 -> [b x c y]
            LINSERT l BEFORE none x -> -1
            LINSERT none BEFORE c x -> 0
            LINSERT l BESIDE c x -> ERR syntax error
            DEL l -> 1
            RPUSH l a b c 1 2 3 c c -> 8
            LPOS l c -> 2
            LPOS l c RANK 2 -> 6
            LPOS l c RANK -1 -> 7
            LPOS l c COUNT 0 -> [2 6 7]
            LPOS l c COUNT 2 RANK -1 -> [7 6]
            LPOS l c MAXLEN 2 -> nil
            LPOS l x COUNT 1 -> []
            LPOS l c RANK 0 -> ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
            or use negative to start from the end of the list
            LPOS l c COUNT -1 -> ERR COUNT can't be negative
            LPOS l c MAXLEN -1 -> ERR MAXLEN can't be negative
            LPOS l c COUNT -> ERR syntax error
            """)
    }

    @Test("an element goes from one list to another, or round its own")
    func moves() {
        shell.play(
            """
            RPUSH a 1 2 3 -> 3
            RPOPLPUSH a b -> 3
            LMOVE a b LEFT RIGHT -> 1
            LRANGE b 0 -1 -> [3 1]
            RPOPLPUSH b b -> 1
            LRANGE b 0 -1 -> [1 3]
            LMOVE a b LEFT UP -> ERR syntax error
            RPOPLPUSH none b -> nil
            SET s v -> OK
            RPOPLPUSH a s -> WRONGTYPE Operation against a key holding the wrong kind of value
            LLEN a -> 1
            EXPIRE a 100 -> 1
            LMOVE a a LEFT RIGHT -> 2
            TTL a -> 100
            """)
    }

    @Test("a ring is the list that an array would be")
    func ring() {
        var random = SplitMix64(seed: 5)
        var ring = Ring()
        var model: [Bytes] = []
        for step in 0..<20_000 {
            let value = Bytes("\(step % 7)")
            let index = Int(random.next() % UInt64(model.count + 1))
            switch random.next() % 8 {
            case 0, 1:
                ring.push(value, at: .left)
                model.insert(value, at: 0)
            case 2:
                ring.push(value, at: .right)
                model.append(value)
            case 3:
                let popped = ring.pop(.left)
                #expect(popped == model.first)
                model = Array(model.dropFirst())
            case 4:
                let popped = ring.pop(.right)
                #expect(popped == model.last)
                model = model.dropLast()
            case 5:
                ring.insert(value, at: index)
                model.insert(value, at: index)
            case 6 where step % 40 == 0:
                let places = ring.places(of: value, limit: 3, from: .right)
                ring.remove(at: places)
                for place in places { model.remove(at: place) }
            default: if index < model.count { #expect(ring[index] == model[index]) }
            }
        }
        #expect(ring.elementsEqual(model))
    }
}
