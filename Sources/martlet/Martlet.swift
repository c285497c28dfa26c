import ArgumentParser
import Martlet
import MartletTools

@main
struct MartletCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A gateway for AI models: one binary in front of any model backend.",
        subcommands: [
            UpCommand.self, ServeCommand.self, CheckCommand.self, DoctorCommand.self, FdsCommand.self, ReloadCommand.self,
            TargetCommand.self, UnitCommand.self, MockCommand.self, LoadCommand.self, DemoCommand.self,
        ])
}
