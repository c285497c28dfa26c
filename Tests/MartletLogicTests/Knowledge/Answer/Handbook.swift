@testable import MartletLogic

/// A company's handbook, Chinese and English, for questions that can be right or wrong.
enum Handbook {
    static let leave = """
        员工手册第三章 假期

        年假：员工入职满一年后可以享受带薪年假。\
        累计工作满1年不满10年的，年假为5天；累计工作满10年不满20年的，年假为10天。\
        累计工作满20年的，年假为15天。\
        未休完的年假可以结转到次年3月31日，逾期作废。试用期员工不享受带薪年假。

        病假：员工请病假须提交二级以上医院的证明。\
        病假工资按基本工资的80%发放。连续病假超过30天的，须由人力资源部审批。

        婚假：依法登记结婚的员工享受婚假3天。婚假应当在登记之日起12个月内一次休完。

        产假：女员工享受产假158天，其中产前可以休假15天。\
        难产的增加产假15天。男员工享受陪产假15天。
        """
    static let expenses = """
        差旅费报销办法（编号 FIN-2024-017，2024年5月1日起施行）

        一、出差须提前2个工作日在OA系统提交申请，申请单编号以TR开头。\
        未经批准的出差费用不予报销。
        二、住宿标准：一线城市每晚不超过600元，其他城市每晚不超过400元。
        三、餐费补贴每天120元，当天往返的出差不发放餐费补贴。
        四、高铁可以乘坐二等座，飞机可以乘坐经济舱。乘坐公务舱需要总经理书面批准。
        五、费用应当在出差结束后15天内提交报销，单张发票超过5,000元的须附合同复印件。
        六、报销款在审批完成后7个工作日内汇入工资卡。\
        咨询电话：010-62345678，邮箱 finance@example.com。
        """
    static let devices = """
        信息安全规定 V2.3

        办公电脑统一安装EDR-Agent 5.2.1，员工不得自行卸载。\
        密码长度不少于12位，每90天更换一次。
        连续5次输入错误密码，账号锁定30分钟。\
        远程办公必须使用公司VPN，禁止使用公共Wi-Fi传输客户资料。
        设备丢失后应当在2小时内拨打400-810-1234报告。\
        服务器机房每天9:00到18:00开放，夜间值班为22:30至次日6:30。
        客户资料保存期限为5年，到期后由档案室统一销毁。外部U盘不允许接入生产网。
        """
    static let english = """
        Remote work policy, version 4.1, effective March 15, 2025

        Employees may work from home up to three days per week. New employees may not work from home during the first
        90 days. Each employee receives a one-time allowance of $650 for equipment. The allowance is paid within
        30 days.

        Core hours are from 10:00 a.m. to 4:00 p.m. on Mondays to Thursdays. Meetings are not scheduled on Friday
        afternoons.
        Requests go to form HR-2041 and are answered within 5 working days. Managers must review each arrangement every
        6 months. Working from abroad is limited to 20 days per calendar year and requires approval by the legal
        department.

        Travel is booked through the portal at travel.example.com. Economy class is the standard for flights under
        6 hours.
        Hotel costs up to $220 per night are reimbursed. Receipts above $25 must be attached. Alcohol is not reimbursed.
        Mileage is paid at 0.67 dollars per mile. Claims older than 60 days are rejected.
        """
    static let support = """
        Support handbook

        Priority 1 incidents are answered within 15 minutes, around the clock. Priority 2 incidents are answered within
        4 hours on working days. The service level for availability is 99.95% per month. Credits amount to 10% of the
        monthly fee for each full hour of downtime. Customers open tickets by mail to help@example.com or by calling
        +1-555-0142.

        Release v3.8.2 ends its support on 2026-09-30. Release v4.0 requires at least 16 GB of memory and PostgreSQL 15.
        Backups run every night at 02:30 and are kept for 35 days. Restores are tested twice a year. Logs do not contain
        passwords.
        Data is stored in Frankfurt and is never copied to other regions. The warranty covers 24 months from delivery.
        """

    static let all = [leave, expenses, devices, english, support]

    /// The documents as they were found: the whole text is one chunk, whose own text is squeezed as splitters do,
    /// behind something else in the document.
    static let passages: [(passage: Passage, document: DocumentText)] = all.enumerated().map { index, text in
        let front = "前言 Preface\n\n\n"
        let document = DocumentText(text: front + text + "\n附录\n")
        let start = front.unicodeScalars.count
        let squeezed = text.split(separator: "\n").joined(separator: "\n")
        let chunk = Chunk(text: squeezed, range: start..<start + text.unicodeScalars.count)
        let version = DocumentVersion(base: "handbook", name: "\(index).md", version: 1)
        return (Passage(id: ChunkID(Int64(index)), document: version, chunk: chunk, score: 0.9), document)
    }

    static let checker = CitationChecker(passages.map { CitationSource($0.passage, of: $0.document) })

    /// Each sentence as it stands there, with the number of its source.
    static let sentences: [(text: String, source: Int)] = all.enumerated().flatMap { index, text in
        let folded = FoldedText(text)
        let whole = Array(text.unicodeScalars)
        return SentenceSplitter.split(folded, joinsLines: true).filter { $0.range.count > 8 }.map { sentence in
            (line(whole[sentence.range]), index + 1)
        }
    }

    static func line(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(scalars.map { $0 == "\n" ? " " : $0 }))
    }

    /// The same in other words, as models put it; each is true.
    static let faithful = [
        "累计工作满10年不满20年的员工，年假为10天[1]。", "工作满二十年的，年假是15天。[1]", "试用期员工没有带薪年假，不享受该待遇[1]。",
        "未休完的年假最晚可以结转到次年的3月31日 [1]。", "病假工资为基本工资的百分之八十[1]。", "连续病假超过三十天需要由人力资源部审批[1]。",
        "依法登记结婚的员工可享受3天婚假[1]。", "婚假要在登记之日起十二个月内一次休完。", "女员工的产假共158天，产前可休15天[1]。",
        "根据规定，男员工享受15天陪产假[1]。", "《差旅费报销办法》（FIN-2024-017）自2024-05-01起施行[2]。",
        "出差应提前两个工作日在OA系统提交申请[2]。", "- 一线城市：住宿每晚不超过600元[2]", "- 其他城市：住宿每晚不超过400元[2]",
        "餐费补贴为每天120元，当天往返的不发放[2]。", "乘坐公务舱需要总经理书面批准[2]。", "单张发票超过5000元须附合同复印件。[2]",
        "报销款会在审批完成后7个工作日内汇入工资卡[2]。", "财务咨询电话是010-62345678[2]。", "密码长度不少于12位，并且每90天更换一次[3]。",
        "连续5次输错密码后，账号会锁定30分钟[3]。", "设备丢失应在2小时内拨打400-810-1234报告[3]。", "机房的开放时间是每天9:00到18:00[3]。",
        "外部U盘不允许接入生产网[3]。", "禁止使用公共Wi-Fi传输客户资料[3]。", "客户资料的保存期限是五年[3]。",
        "Employees may work from home up to 3 days per week [4].",
        "New employees may not work from home during their first 90 days [4].",
        "The one-time allowance for equipment is $650 [4].", "It is paid as an allowance within thirty days. [4]",
        "Core hours are from 10:00 to 16:00, Mondays to Thursdays [4].",
        "Requests use form HR-2041 and are answered within five working days [4].",
        "Managers must review every arrangement each 6 months [4].",
        "Working from abroad is limited to 20 days per calendar year and needs approval by the legal department [4].",
        "Hotel costs are reimbursed up to $220 per night [4].", "Alcohol is not reimbursed [4].",
        "Claims that are older than 60 days are rejected.", "The policy is effective March 15, 2025 [4].",
        "Priority 1 incidents are answered within fifteen minutes [5].",
        "Availability has a service level of 99.95% per month [5].",
        "Support for release v3.8.2 ends on September 30, 2026 [5].",
        "Release v4.0 requires at least 16 GB of memory [5].",
        "Backups run every night at 2:30 and are kept for 35 days [5].", "Restores are tested two times a year [5].",
        "Logs do not contain any passwords [5].", "The warranty covers 24 months from delivery [5].",
        "Data is stored in Frankfurt and never copied to other regions [5].",
    ]

    /// True of nothing here.
    static let invented = [
        "公司每年为员工提供一次免费体检。", "员工食堂的早餐由供应商配送。", "股票期权在四年内分批归属。", "年会在三亚的酒店举行。",
        "新员工由导师带领熟悉业务流程。", "宠物可以在周五带进办公室。", "停车位按照抽签结果分配给部门。", "加班满三小时可以打车回家。",
        "绩效考核结果分为优秀、良好和合格。", "办公室绿植由物业公司每周养护。",
        "The company pays for gym memberships of all staff.", "Bonuses depend on the performance of the whole team.",
        "Parking spaces are assigned by a lottery each spring.", "Pets are welcome in the office on Fridays.",
        "Stock options vest over a period of four years.", "The cafeteria serves vegetarian meals every day.",
        "Interns rotate through several departments during the summer.", "Office plants are watered by the landlord.",
        "Language courses are offered free of charge in the evening.", "The founder started the business in a garage.",
    ]
}
