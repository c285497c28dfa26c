@testable import MartletStore
import Testing

@Suite("CRC-32C")
struct CRC32CTests {
    @Test("Known values, of every length modulo the table's step")
    func knownValues() {
        func value(_ bytes: [UInt8]) -> UInt32 {
            var checksum = CRC32C()
            checksum.add(bytes.span)
            return checksum.value
        }
        // RFC 3720, B.4, and the usual check value.
        #expect(value([]) == 0)
        #expect(value(Array("123456789".utf8)) == 0xe306_9283)
        #expect(value([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(value([UInt8](repeating: 255, count: 32)) == 0x62a8_ab43)
        #expect(value((0..<32).map { $0 }) == 0x46dd_794e)
        for cut in 0...32 {
            let bytes = (0..<32).map { UInt8($0) }
            var checksum = CRC32C()
            checksum.add(bytes.span.extracting(0..<cut))
            checksum.add(bytes.span.extracting(cut..<32))
            #expect(checksum.value == 0x46dd_794e)
        }
    }
}
