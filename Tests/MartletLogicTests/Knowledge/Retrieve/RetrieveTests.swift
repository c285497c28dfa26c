import MartletLogic
import Testing

@Suite("What a knowledge base finds")
struct RetrieveTests {
    @Test("A filter reads names and metadata, and what a document lacks never fits")
    func filter() {
        let metadata: [String: MetadataValue] = ["year": .number(2024), "team": .text("财务部"), "open": .flag(true)]
        func fits(_ filter: DocumentFilter) -> Bool { filter.fits(name: "policy/travel.md", metadata) }
        #expect(fits(.compare(key: "year", .atLeast, .number(2024))))
        #expect(!fits(.compare(key: "year", .more, .number(2024))))
        #expect(!fits(.compare(key: "year", .less, .text("2025"))))
        #expect(fits(.compare(key: "team", .contains, .text("财务"))))
        #expect(!fits(.compare(key: "absent", .unequal, .flag(true))))
        #expect(fits(.not(.compare(key: "absent", .equal, .flag(true)))))
        #expect(fits(.all([.name(like: "policy/*"), .compare(key: "open", .equal, .flag(true))])))
        #expect(fits(.any([.name(like: "x"), .compare(key: "name", .equal, .text("policy/travel.md"))])))
        #expect(fits(.all([])) && !fits(.any([])))
    }

    @Test(
        "A star stands for any characters, and capitals make no difference",
        arguments: [
            ("*", true), ("*.md", true), ("p*y*/t*.md", true), ("policy", false), ("*.pdf", false), ("**md", true),
            ("policy/travel.md*", true), ("*a*a*a*", false), ("Policy/*.MD", true),
        ])
    func pattern(_ pattern: String, fits: Bool) {
        #expect(DocumentFilter.name(like: pattern).fits(name: "policy/travel.md", [:]) == fits)
    }

    @Test("A vector speaks alone where the words are unknown, and words where there is no vector")
    func fusion() {
        let fusion = Fusion(vectorWeight: 0.75, enough: 0.5)
        #expect(fusion.score(nearness: 0.8, words: 0, ideal: 0) == 0.8)
        #expect(fusion.score(nearness: nil, words: 3, ideal: 12) == 0.5)
        #expect(fusion.score(nearness: 0.8, words: 3, ideal: 12) == 0.75 * 0.8 + 0.25 * 0.5)
        #expect(fusion.score(nearness: 1, words: 9, ideal: 12) == 1)
        #expect(fusion.vectorWeight(hasVector: true, ideal: 0) == 1)
        #expect(fusion.vectorWeight(hasVector: false, ideal: 6) == 0)
        #expect(fusion.vectorWeight(hasVector: true, ideal: 6) == 0.75)
    }

    @Test("A cosine counts from that of unrelated texts on, whichever model's it is")
    func nearness() {
        #expect(Fusion.nearness(cosine: 0.25, unrelated: 0) == 0.25)
        #expect(Fusion.nearness(cosine: 0.875, unrelated: 0.75) == 0.5)
        #expect(Fusion.nearness(cosine: 0.7, unrelated: 0.75) == 0)
        #expect(Fusion.nearness(cosine: 1.1, unrelated: 0.75) == 1)
    }

    @Test("The best are kept in order, and of equal ones the first")
    func best() {
        var best = Best(3)
        for (row, score) in [1, 5, 3, 5, 4].enumerated() {
            best.offer(Best.Row(segment: 0, row: row, score: Float(score)))
        }
        #expect(best.rows.map(\.row) == [1, 3, 4])
        #expect(best.least == 4)
    }

    @Test("Many small additions end in few segments, none above its bound, and each row is joined few times")
    func merges() {
        var segments: [(rows: Int, live: Int)] = []
        var moved = 0
        for _ in 0..<20_000 {
            segments.append((rows: 7, live: 7))
            while let places = SegmentMerges.next(segments) {
                let live = places.reduce(0) { $0 + segments[$1].live }
                moved += live
                for place in places.sorted(by: >) { segments.remove(at: place) }
                segments.append((rows: live, live: live))
            }
        }
        #expect(segments.count < 40)
        #expect(segments.allSatisfy { $0.rows <= SegmentMerges.mostRows })
        #expect(moved < 20_000 * 7 * 7)
    }

    @Test("A segment of which most is gone is made anew")
    func compaction() {
        #expect(SegmentMerges.next([(rows: 100, live: 51)]) == nil)
        #expect(SegmentMerges.next([(rows: 9, live: 9), (rows: 100, live: 49)]) == [1])
    }

    @Test("Rows come and go")
    func rows() {
        var rows = RowSet(rows: 130, full: true)
        #expect(rows.count == 130)
        rows.remove(60..<70)
        rows.remove(65..<66)
        #expect(rows.count == 120 && !rows.contains(64) && rows.contains(129))
        rows.insert(69..<72)
        #expect(rows.count == 121 && rows.contains(69) && !rows.contains(68))
    }
}
