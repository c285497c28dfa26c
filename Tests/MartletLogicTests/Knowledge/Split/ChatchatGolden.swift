// Printed by Tests/Peers/chatchat/splitter.py: what Langchain-Chatchat 0.3.1.3 makes of these texts.

enum ChatchatGolden {
    struct Case: Sendable {
        var size: Int
        var overlap: Int
        var titles: Bool
        var text: String
        var chunks: [String]
    }

    static let cases: [Case] = [
        Case(
            size: 750, overlap: 150, titles: false,
            text: "年假五天。",
            chunks: [
                "年假五天。",
            ]),
        Case(
            size: 20, overlap: 5, titles: false,
            text: "年假五天。病假十天！事假呢？事假没有工资；迟到三次，算缺勤一天，请注意。",
            chunks: [
                "年假五天。病假十天！事假呢？",
                "事假没有工资；",
                "迟到三次，算缺勤一天，请注意。",
            ]),
        Case(
            size: 20, overlap: 0, titles: false,
            text: "Annual leave: five days. Sick leave: ten! And parents? Ask, please; we help.",
            chunks: [
                "Annual leave: five days.",
                "Sick leave: ten!",
                "And parents?",
                "Ask, please;",
                "we help.",
            ]),
        Case(
            size: 12, overlap: 4, titles: false,
            text: "一行\n二行\n\n\n三行\r\n四行\r\n\r\n五行",
            chunks: [
                "一行\n二行",
                "三行\r\n四行",
                "五行",
            ]),
        Case(
            size: 10, overlap: 10, titles: false,
            text: "甲乙，丙丁，戊己，庚辛，壬癸",
            chunks: [
                "甲乙，丙丁，戊己，",
                "丙丁，戊己，庚辛，",
                "戊己，庚辛，壬癸",
            ]),
        Case(
            size: 6, overlap: 2, titles: false,
            text: "没有任何标点的一长串汉字它不会被切开",
            chunks: [
                "没有任何标点的一长串汉字它不会被切开",
            ]),
        Case(
            size: 16, overlap: 6, titles: false,
            text: "中英 mixed 文本. 第二句 here! 第三句，with 逗号, 完。",
            chunks: [
                "中英 mixed 文本.",
                "第二句 here!",
                "第三句，with 逗号, 完。",
            ]),
        Case(
            size: 9, overlap: 3, titles: false,
            text: "\u{1f469}\u{200d}\u{1f4bb}写代码。\u{1f469}\u{200d}\u{1f4bb}e\u{301}看书，喝茶。",
            chunks: [
                "\u{1f469}\u{200d}\u{1f4bb}写代码。",
                "\u{1f469}\u{200d}\u{1f4bb}e\u{301}看书，",
                "喝茶。",
            ]),
        Case(
            size: 4, overlap: 1, titles: false,
            text: "  \n\n \u{3000} \n",
            chunks: []),
        Case(
            size: 24, overlap: 0, titles: true,
            text: "第1章 总则\n\n本制度适用于全体员工，自发布之日起施行。\n\n第2章 年假\n\n满一年的员工每年有五天年假；满十年的有十天。",
            chunks: [
                "第1章 总则",
                "下文与(第1章 总则)有关。本制度适用于全体员工，自发布之日起施行。",
                "第2章 年假",
                "下文与(第2章 年假)有关。满一年的员工每年有五天年假；满十年的有十天。",
            ]),
        Case(
            size: 750, overlap: 150, titles: true,
            text: "\u{ff13}、一二三\n\n说明",
            chunks: [
                "\u{ff13}、一二三\n说明",
            ]),
    ]

    /// One for each hundred texts, from one seed after another.
    static let digests: [UInt64] = [
        0xc58afc1fad2f1efd, 0xce38e4a129e37c9e, 0x8be3b497c758ae72, 0x11d3174a2bf090c9, 0x46c91e81c76b42c9,
        0x84c26a363e763539, 0x1c915fa67575be1f, 0x2b49d1208eed09ed, 0x449d2a18cc70ea8b, 0xbf0699a04149798b,
        0xc779fb76918697f9, 0x974784e990e9e188, 0x89802b85b6e8522e, 0x76558acdbb9f5574, 0x334c37521717e3e9,
        0x69c9467727b4044b, 0xacd91caa96935348, 0x6336325c9c3b42cc, 0x96b68c778a9bd36b, 0xbb35195515b5d709,
        0xf20c87fc7d5282ce, 0xf61edff70082674c, 0x86927ba993b5b2d2, 0x58e7092b19d1a8a9, 0xb728836a81196c6f,
        0x6e00351bc0e2fe51, 0xe74cabfec6b38a9b, 0xc19eb2d72a02c923, 0x9ed5db95054e0e0c, 0xe965812eddb31bcb,
        0xf126ef5529f56c8a, 0x53dbc2b118d24205, 0xa23be038fbfe96b9, 0x690d6e6e05359a26, 0xe2a0fbdb7c7c8cd9,
        0x62b7cb56ddeaa488, 0x6588048a2c4b1a53, 0x3960ce9dd5330ed4, 0xb0b49940b89c9c69, 0x1d21cc341c64b324,
        0xe6f05f861de08faa, 0x33927a367e807b59, 0x96e4f8f20fb14d78, 0x21140c166b18fa8e, 0xf3a7d364243c9c3a,
        0x2ec6b61091f34058, 0x87d1c0ff58dfb703, 0x027d0c04ecfd0271, 0xbba3a994b8dd78ad, 0x14ae695434e3331f,
    ]
}
