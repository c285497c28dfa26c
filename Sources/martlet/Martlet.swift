import ArgumentParser
import Martlet
import MartletTools

@main
struct MartletCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A gateway and a server for AI models: one binary.",
        subcommands: [
            UpCommand.self, ServeCommand.self, BrokerCommand.self, WorkerCommand.self, CheckCommand.self,
            DoctorCommand.self,
            FdsCommand.self, ReloadCommand.self, TargetCommand.self, UnitCommand.self, MockCommand.self,
            LoadCommand.self, DemoCommand.self, TaskCommand.self, KnowledgeCommand.self, E5ChildCommand.self,
        ])
}
