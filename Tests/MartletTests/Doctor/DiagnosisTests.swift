import Foundation
import Testing

@testable import Martlet

@Suite("What the doctor says")
struct DiagnosisTests {
    private let diagnosis = Diagnosis(findings: [
        .ok("listen", "127.0.0.1:8080 is free"),
        .warning("net.core.somaxconn", "128", remedy: "sysctl -w net.core.somaxconn=65535"),
        .failure("target http://a:1", "refused", remedy: "start it"),
    ])

    @Test("a line for each check in columns, and below what is not well its remedy")
    func text() {
        #expect(diagnosis.text == """
            ok       listen              127.0.0.1:8080 is free
            warning  net.core.somaxconn  128
                     -> sysctl -w net.core.somaxconn=65535
            failure  target http://a:1   refused
                     -> start it
            1 ok, 1 warning, 1 failure
            """)
    }

    @Test("the same for programs")
    func json() throws {
        let object = try JSONSerialization.jsonObject(with: Data(try diagnosis.json().utf8)) as? [String: Any]
        #expect(object?["ok"] as? Int == 1 && object?["warnings"] as? Int == 1 && object?["failures"] as? Int == 1)
        let findings = object?["findings"] as? [[String: String]]
        #expect(findings?[2] == [
            "check": "target http://a:1", "finding": "failure", "seen": "refused", "remedy": "start it",
        ])
        #expect(findings?[0]["remedy"] == nil)
    }
}
