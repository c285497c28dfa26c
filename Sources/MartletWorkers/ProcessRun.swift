package import MartletBase
import MartletLogic
import MartletNet

/// One start of a managed process: what it needs, and how it is asked whether it serves. Used once.
protocol ProcessRun: AnyObject, Sendable {
    var command: ChildCommand { get }
    /// Its standard input; nil: `/dev/null`.
    var input: OwnedDescriptor? { get }
    /// Where it listens; nil: nowhere.
    var port: Int? { get }
    /// The process lives. `hear` takes what it says without being asked.
    func started(hear: @escaping @Sendable (ProcessNews) -> Void)
    /// Whether it serves, asked again and again.
    func check() async -> Bool
    /// From now on it is said to serve…
    func serves()
    /// …and from now on no longer.
    func gone()
    /// No new work for it; returns when it has none, or after `limit`.
    func drain(within limit: Duration) async
    /// Asks it to end what it has, then itself, within `grace`. False: it cannot be asked; a signal must tell it.
    func askToEnd(within grace: Duration) -> Bool
    /// Whether there is anything for ``wear(of:)`` to find. Quick.
    var mayBeWorn: Bool { get }
    /// Whether its process, which has this id, should be replaced although it serves; nil: not.
    func wear(of pid: Int32) -> Wear?
    /// The process is gone, or was never there.
    func ended()
}

/// Why a process that serves should be replaced.
struct Wear: Sendable {
    let reason: RecycleReason
    /// What it held.
    let sample: WearDetector.Sample
}

/// What a process says of itself.
enum ProcessNews: Sendable {
    /// It can serve.
    case serves
    /// It still gets ready.
    case getsOn
    /// It has ended, or is out of reach: should it still live, it must not.
    case left
    /// It must be killed, for that reason.
    case failed(String)
}

/// A process that serves HTTP at a port that it is told.
final class HTTPRun: ProcessRun {
    let command: ChildCommand
    let port: Int?
    var input: OwnedDescriptor? { nil }
    private let claimed: Int
    private let spec: BackendSpec
    private let surroundings: BackendSurroundings

    /// nil with the reason: there is no port for it.
    static func start(_ spec: BackendSpec, _ surroundings: BackendSurroundings) -> Result<HTTPRun, NotStarted> {
        guard let port = surroundings.ports.claim(spec.port) else {
            return .failure(
                NotStarted(
                    reason: spec.port.map { "port \($0) is another backend's" }
                        ?? "no free port on the loopback address"))
        }
        do throws(MartletError) {
            let command = try ChildCommand(spec, withheld: surroundings.withheld)
            return .success(HTTPRun(command, spec, at: port, surroundings))
        } catch {
            surroundings.ports.giveBack(port)
            return .failure(NotStarted(reason: "\(error)"))
        }
    }

    private init(
        _ command: ChildCommand, _ spec: BackendSpec, at port: Int, _ surroundings: BackendSurroundings
    ) {
        self.spec = spec
        self.surroundings = surroundings
        self.port = port
        claimed = port
        let fill = { (text: String) in text.replacing("{port}", with: String(port)) }
        var command = command
        command.arguments = spec.command.map(fill)
        command.environment = spec.environment.mapValues(fill)
        self.command = command
    }

    func started(hear: @escaping @Sendable (ProcessNews) -> Void) {}

    func check() async -> Bool {
        await surroundings.probe("127.0.0.1", claimed, spec.readyPath, spec.checkTimeout)
    }

    func serves() {}
    func gone() {}
    // Its targets leave their pools, which wait for it.
    func drain(within limit: Duration) async {}
    func askToEnd(within grace: Duration) -> Bool { false }
    var mayBeWorn: Bool { false }
    func wear(of pid: Int32) -> Wear? { nil }
    func ended() { surroundings.ports.giveBack(claimed) }
}

/// Why a process could not even be tried.
struct NotStarted: Error {
    let reason: String
}

extension ChildCommand {
    /// - Throws: when it cannot run as the user that it should.
    package init(_ spec: BackendSpec, withheld: [String]) throws(MartletError) {
        self.init(
            arguments: spec.command, environment: spec.environment, withheld: withheld, directory: spec.directory,
            addressSpaceBytes: spec.addressSpaceBytes, openFiles: spec.openFiles, cpuSeconds: spec.cpuSeconds,
            user: try spec.user.map { (name) throws(MartletError) in try ChildUser(named: name) })
    }
}
