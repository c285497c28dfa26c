import Testing

@testable import MartletLogic

/// Own scripts of a version that the broker does not have.
@Suite struct ScriptVersionTests {
    /// Whoever changes a script's text gives it the next version, and writes down its SHA-1 here.
    private static let known = [
        "take 1": "cb10a92fe6c39d37a40043d25f274952607c6661",
        "finish 2": "a01c6fc0c12713821b47331433dc8b0c7b054088",
        "tell 1": "865f211dd78bbf8f748cdb5272448f229927cf22",
        "renew 1": "75a84b298eaea6a5d43b8b3529ba776df7f5a990",
        "giveBack 1": "e22210e4b877e3e6f9eafda390fa99b83e83314d",
        "bury 2": "90150e4ab411b0da509a3b539943d068acee0630",
        "withdraw 2": "53e91799403fa0f1a60ed144341f0a3c5f46de63",
        "restore 1": "dc226c435aba9cfb185d5950acb51928c6bed08e",
        "rate 1": "a87df6b15089be477b35ecfb919f11409972da3b",
        "claim 1": "0f723d67ed4d61175799a0699c59d1b0553cdb31",
        "free 1": "6471d1250aa2ced2191135540843dc8c81b216cc",
        "enter 1": "c719b842818455e89810ee048037d425edf503e6",
    ]

    @Test func aScriptWhoseTextChangedHasAnotherVersion() {
        let present = OwnScript.allCases.map { ("\($0.rawValue) \($0.version)", $0.sha1.text) }
        #expect(Dictionary(uniqueKeysWithValues: present) == Self.known)
    }

    @Test func eachScriptSaysItsNameAndVersion() {
        for script in OwnScript.allCases {
            #expect(ScriptHeader(text: Bytes(script.text)) == script.header)
        }
        let others = ["", "return 1", "-- martlet ", "-- martlet take", "-- martlet take x\n", "-- martlet take 1 2\n"]
        #expect(others.allSatisfy { ScriptHeader(text: Bytes($0)) == nil })
    }

    private func refusal(_ name: String, _ version: Int, by words: [Bytes] = ["SCRIPT", "LOAD"]) -> String? {
        let text = ScriptHeader(name: name, version: version).line + "return {}"
        let rest: [Bytes] = words == ["EVAL"] ? ["0"] : []
        return BrokerBench().answer(1, words + [Bytes(text)] + rest)?.errorText
    }

    @Test func whoIsOlderOrNewerThanTheBrokerIsToldWhatToUpgrade() throws {
        let ours = OwnScript.finish.version
        let older = try #require(refusal("finish", ours - 1))
        #expect(older.hasPrefix("OTHERVERSION the worker is older than the broker: upgrade the worker"))
        #expect(older.hasSuffix("(script finish: \(ours - 1) there, \(ours) here)"))
        let newer = try #require(refusal("finish", ours + 1, by: ["EVAL"]))
        #expect(newer.hasPrefix("OTHERVERSION the worker is newer than the broker: upgrade the broker"))
        #expect(refusal("steal", 1)?.contains("upgrade the broker (script steal: 1 there, none here)") == true)
        #expect(refusal("finish", ours)?.contains("two builds of one version") == true)
    }

    @Test func aScriptThatIsNotOfMartletsIsAnotherOne() {
        #expect(BrokerBench().answer(1, ["SCRIPT", "LOAD", "return 1"]) == BrokerRefusal.unknownScript)
    }
}
