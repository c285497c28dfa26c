import Testing

@testable import Martlet

@Test("the console's token is among the variables that managed processes do not inherit")
func ownVariables() {
    let names = ["PATH", ConsoleToken.variable, "MARTLET", "MARTLET_LISTEN", "NOT_MARTLET_X"]
    #expect(OwnVariables.names(among: names) == [ConsoleToken.variable, "MARTLET_LISTEN"])
}

@Test("a program that a task starts does not inherit the broker's password, nor the server's keys")
func secretVariables() {
    #expect(Set(OwnVariables.secrets).isSuperset(of: ["CELERY_BROKER_URL", "LIT_SERVER_API_KEY"]))
}
