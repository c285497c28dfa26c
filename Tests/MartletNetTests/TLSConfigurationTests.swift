import Testing

@testable import MartletNet

@Suite struct TLSConfigurationTests {
    @Test func namesTheFileThatIsMissing() throws {
        let certificates = try Certificates.shared.get()
        #expect(throws: TLSConfigurationError(file: "/no/such.pem", cause: "No such file or directory")) {
            try TLSServer(certificate: "/no/such.pem", key: certificates.serverKey)
        }
        #expect(throws: TLSConfigurationError(file: "/no/such.key", cause: "No such file or directory")) {
            try TLSServer(certificate: certificates.server, key: "/no/such.key")
        }
        #expect(throws: TLSConfigurationError(file: "/no/ca.pem", cause: "No such file or directory")) {
            try TLSServer(certificate: certificates.server, key: certificates.serverKey, clientCA: "/no/ca.pem")
        }
        #expect(throws: TLSConfigurationError(file: "/no/ca.pem", cause: "No such file or directory")) {
            try TLSClient(ca: "/no/ca.pem")
        }
    }

    @Test func saysWhatIsWrongWithAFile() throws {
        let certificates = try Certificates.shared.get()
        let garbage = try certificates.write("not PEM at all", to: "garbage.pem")
        #expect { try TLSServer(certificate: garbage, key: certificates.serverKey) } throws: {
            "\($0)" == "\(garbage): no certificate in it (PEM is expected)"
        }
        #expect { try TLSServer(certificate: certificates.server, key: garbage) } throws: {
            "\($0)".hasPrefix("\(garbage): no private key in it")
        }
        #expect { try TLSClient(ca: certificates.serverKey) } throws: {
            "\($0)".hasPrefix("\(certificates.serverKey): no certificate in it")
        }
    }

    @Test func noticesAKeyOfAnotherCertificate() throws {
        let certificates = try Certificates.shared.get()
        #expect { try TLSServer(certificate: certificates.server, key: certificates.clientKey) } throws: {
            "\($0)".hasPrefix("\(certificates.clientKey): does not fit the certificate in \(certificates.server)")
        }
    }

    @Test(arguments: ["", "a\0b", String(repeating: "a", count: 300)])
    func refusesAServerNameThatCannotBeSent(name: String) {
        #expect(throws: TLSConfigurationError.self) { try TLSClient(serverName: name) }
    }
}
