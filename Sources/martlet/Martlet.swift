import ArgumentParser
import Martlet
import MartletTools

@main
struct MartletCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A gateway for AI models: one binary in front of any model backend.",
        subcommands: [
            UpCommand.self, CheckCommand.self, TargetCommand.self, ReloadCommand.self, UnitCommand.self,
            FdsCommand.self, MockCommand.self, LoadCommand.self,
        ])
}
