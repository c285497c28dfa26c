import Testing

@testable import Martlet

@Test("the console's token is among the variables that managed processes do not inherit")
func ownVariables() {
    let names = ["PATH", ConsoleToken.variable, "MARTLET", "MARTLET_LISTEN", "NOT_MARTLET_X"]
    #expect(OwnVariables.names(among: names) == [ConsoleToken.variable, "MARTLET_LISTEN"])
}
