import Testing

@testable import MartletLogic

@Suite("Numbers, dates and names in a text")
struct DetailReaderTests {
    private func values(_ text: String) -> [Detail.Value] {
        let folded = FoldedText(text)
        return DetailReader.read(folded, in: 0..<folded.count).map(\.value)
    }

    private func number(_ number: Int, _ unit: Detail.Unit? = nil) -> Detail.Value {
        .number(Numeral(number), unit: unit)
    }

    @Test("Dates are one, however they are written", arguments: [
        "2024-05-01", "2024/5/1", "2024.5.1", "2024年5月1日", "2024 年 5 月 1 日", "２０２４年５月１日", "二〇二四年五月一日", "2024年5月1号",
        "May 1, 2024", "May 1st, 2024", "1 May 2024", "1st of May 2024",
    ])
    func dates(text: String) {
        #expect(values("自\(text)起 on \(text).") == Array(repeating: .date(year: 2024, month: 5, day: 1), count: 2))
    }

    @Test("A part of a date is a date: and may be left unsaid, not added")
    func partialDates() {
        #expect(values("2024年5月") == [.date(year: 2024, month: 5, day: nil)])
        #expect(values("May 2024") == [.date(year: 2024, month: 5, day: nil)])
        #expect(values("5月1日前") == [.date(year: nil, month: 5, day: 1)])
        #expect(values("三月三十一日") == [.date(year: nil, month: 3, day: 31)])
        let whole = Detail.Value.date(year: 2024, month: 5, day: 1)
        #expect(Detail.Value.date(year: 2024, month: 5, day: nil).isBorneOut(by: whole))
        #expect(number(2024).isBorneOut(by: whole))
        #expect(!whole.isBorneOut(by: .date(year: 2024, month: 5, day: nil)))
        #expect(!Detail.Value.date(year: 2023, month: 5, day: nil).isBorneOut(by: whole))
    }

    @Test("Amounts are one, however they are written", arguments: [
        "1000元", "1,000元", "1000.00元", "１，０００元".replacing("，", with: ","), "一千元", "¥1,000", "RMB 1000",
        "1 thousand yuan", "0.1万元",
    ])
    func amounts(text: String) { #expect(values(text) == [number(1000, .yuan)]) }

    @Test("Shares are one, however they are written", arguments: [
        "80%", "百分之八十", "百分之80", "80 percent", "80％", "80.0 %",
    ])
    func shares(text: String) { #expect(values("工资的\(text)。") == [number(80, .percent)]) }

    @Test("What is counted is read with its number", arguments: [
        ("5天", 5, Detail.Unit.day), ("五天", 5, .day), ("5 days", 5, .day), ("five days", 5, .day), ("5-day", 5, .day),
        ("5个工作日", 5, .workday), ("5 working days", 5, .workday), ("十五个月", 15, .month), ("twenty-five years", 25, .year),
        ("二十年", 20, .year), ("16 GB", 16, .gigabyte), ("16GB", 16, .gigabyte), ("$650", 650, .dollar), ("两次",
        2, .times),
        ("twice", 2, .times), ("90分钟", 90, .minute),
    ])
    func units(text: String, count: Int, unit: Detail.Unit) { #expect(values("约\(text)") == [number(count, unit)]) }

    @Test("Large Chinese numbers are read, and what only looks like numbers is not")
    func chinese() {
        #expect(values("一亿二千万") == [number(120_000_000)])
        #expect(values("一万零五百") == [number(10_500)])
        #expect(values("3.5万") == [number(35_000)])
        #expect(values("2 million") == [number(2_000_000)])
        #expect(values("一般来说，万一十分重要的统一规定，一些人一起三思") == [])
        #expect(values("一个员工提交一份申请，one of them") == [])
        #expect(values("每月一天") == [number(1, .day)])
    }

    @Test("Times are one, however they are written")
    func times() {
        for text in ["18:00", "下午6点", "下午6:00", "6 p.m.", "6:00 pm", "18点", "18时"] {
            #expect(values(text) == [.time(hour: 18, minute: 0)], "\(text)")
        }
        #expect(values("9点半") == [.time(hour: 9, minute: 30)])
        #expect(values("9:00到18:30") == [.time(hour: 9, minute: 0), .time(hour: 18, minute: 30)])
        #expect(values("8小时") == [number(8, .hour)])
    }

    @Test("Names made of signs are read whole; ordinary words are none")
    func names() {
        #expect(values("ISO-9001 v1.2.3 foo_bar") == [.name("iso9001"), .name("v1.2.3"), .name("foobar")])
        #expect(values("010-62345678，finance@example.com") == [.name("01062345678"), .name("finance@example.com")])
        #expect(values("192.168.1.10 config.yaml GitHub HR部门") == [
            .name("192.168.1.10"), .name("config.yaml"), .name("github"), .name("hr"),
        ])
        #expect(values("e.g. long-term input and/or output, It is so. Apple") == [])
        #expect(values("3-5天") == [number(3), number(5, .day)])
        #expect(values("the 3rd floor") == [number(3)])
    }

    @Test("Whatever comes is read to its end: every prefix of odd texts, and their parts")
    func oddTexts() {
        let odd = "－1,2,3.4.5..６百分之 二〇二四年 May may 13月32日 25:61 1:2:3 ¥ $ 9999999999999999999999亿亿 -5°C １２３，４５６ @_@ []{}"
        for end in odd.indices {
            let folded = FoldedText(odd[..<end])
            for start in 0..<folded.count { _ = DetailReader.read(folded, in: start..<folded.count) }
        }
    }
}
