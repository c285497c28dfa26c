/// The words around numbers, in Chinese and English, narrow and small. The longest of each list come first where one
/// begins another.
enum DetailWords {
    typealias Entry<Meaning> = (word: [Unicode.Scalar], meaning: Meaning)

    private static func entries<Meaning>(_ pairs: [(String, Meaning)]) -> [Entry<Meaning>] {
        pairs.map { (word: $0.0.scalarArray, meaning: $0.1) }.sorted { $0.word.count > $1.word.count }
    }

    /// After digits: powers of ten.
    static let magnitudes = entries([
        ("万亿", 12), ("千万", 7), ("百万", 6), ("十万", 5), ("亿", 8), ("万", 4), ("千", 3), ("百", 2),
        ("hundred", 2), ("thousand", 3), ("million", 6), ("billion", 9), ("trillion", 12),
    ])

    static let units = entries([
        ("个工作日", Detail.Unit.workday), ("工作日", .workday), ("个自然日", .day), ("自然日", .day), ("working days", .workday),
        ("working day", .workday), ("business days", .workday), ("business day", .workday), ("work days", .workday),
        ("年", .year), ("周年", .year), ("years", .year), ("year", .year), ("个月", .month), ("months", .month),
        ("month", .month), ("个星期", .week), ("星期", .week), ("周", .week), ("weeks", .week), ("week", .week),
        ("天", .day), ("日", .day), ("days", .day), ("day", .day), ("calendar days", .day), ("个小时", .hour),
        ("小时", .hour), ("hours", .hour), ("hour", .hour), ("hrs", .hour), ("个钟头", .hour), ("分钟", .minute),
        ("minutes", .minute), ("minute", .minute), ("mins", .minute), ("min", .minute), ("秒钟", .second), ("秒", .second),
        ("seconds", .second), ("second", .second), ("%", .percent), ("percent", .percent), ("per cent", .percent),
        ("个百分点", .percent), ("percentage points", .percent), ("元人民币", .yuan), ("人民币", .yuan), ("元", .yuan),
        ("块钱", .yuan), ("yuan", .yuan), ("rmb", .yuan), ("cny", .yuan), ("美元", .dollar), ("美金", .dollar),
        ("dollars", .dollar), ("dollar", .dollar), ("usd", .dollar), ("欧元", .euro), ("euros", .euro), ("euro", .euro),
        ("eur", .euro), ("个人", .person), ("人", .person), ("名", .person), ("people", .person), ("persons", .person),
        ("person", .person), ("employees", .person), ("次", .times), ("times", .times), ("公里", .kilometre),
        ("千米", .kilometre), ("km", .kilometre), ("kilometres", .kilometre), ("kilometers", .kilometre),
        ("厘米", .centimetre),
        ("cm", .centimetre), ("毫米", .millimetre), ("mm", .millimetre), ("米", .metre), ("metres", .metre),
        ("meters", .metre), ("m", .metre), ("公斤", .kilogram), ("千克", .kilogram), ("kg", .kilogram), ("克", .gram),
        ("g", .gram), ("吨", .tonne), ("tonnes", .tonne), ("tons", .tonne), ("°c", .degree), ("℃", .degree),
        ("摄氏度", .degree), ("kb", .kilobyte), ("kib", .kilobyte), ("mb", .megabyte), ("mib", .megabyte),
        ("gb", .gigabyte),
        ("gib", .gigabyte), ("tb", .terabyte), ("tib", .terabyte),
    ])

    static let currencies = entries([
        ("rmb", Detail.Unit.yuan), ("cny", .yuan), ("人民币", .yuan), ("¥", .yuan), ("usd", .dollar), ("us$", .dollar),
        ("$", .dollar), ("eur", .euro), ("€", .euro),
    ])

    static let months: [String: Int] = {
        let names = [
            "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
            "november",
            "december",
        ]
        var months: [String: Int] = ["sept": 9]
        for (index, name) in names.enumerated() {
            months[name] = index + 1
            months[String(name.prefix(3))] = index + 1
        }
        return months
    }()

    /// English numbers in words. "one" is a pronoun too often, and counts only before a unit.
    static let numbers: [String: Int] = [
        "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
        "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
        "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
        "seventy": 70,
        "eighty": 80, "ninety": 90, "twice": 2,
    ]

    static let digits: [Unicode.Scalar: Int] = [
        "〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
        "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5, "陆": 6, "柒": 7, "捌": 8, "玖": 9,
    ]

    static let places: [Unicode.Scalar: Int] = ["十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000]
    static let groups: [Unicode.Scalar: Int] = ["万": 10_000, "亿": 100_000_000]

    /// After one Chinese numeral: it counts something. (三天 does, 三思 does not.)
    static let counters = Set<Unicode.Scalar>("天日年月周个次名人元小分级层台份条项倍种位号章节步页岁秒米吨克期班轮类款".unicodeScalars)
    /// After 一 these say "a", not how many.
    static let articles = Set<Unicode.Scalar>("个种项条位份名台次些级层类号款期轮班节步页".unicodeScalars)

    static let afternoon = ["下午", "晚上", "傍晚", "夜里"].map(\.scalarArray)
}
