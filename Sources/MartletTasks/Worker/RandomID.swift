/// A random UUID (version 4) as text, in lower case: names a delivery, a task, a claim.
enum RandomID {
    static func make() -> String {
        var random = SystemRandomNumberGenerator()
        let halves = [
            random.next() & 0xffff_ffff_ffff_0fff | 0x4000, random.next() & 0x3fff_ffff_ffff_ffff | 1 << 63,
        ]
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for place in 0..<32 {
            if place == 8 || place == 12 || place == 16 || place == 20 { text.append(UInt8(ascii: "-")) }
            let digit = UInt8(truncatingIfNeeded: halves[place / 16] >> UInt64(60 - 4 * (place % 16))) & 0x0f
            text.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
