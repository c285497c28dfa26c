import Glibc
import MartletBase
import MartletLogic
import Simulation

// simulate FIRST COUNT [SEED...]: lives the lives of those seeds, the named ones first. simulate --replay SEED: one
// life, told line by line. Ends with 1 when something was wrong, and names the seeds. Each seed is lived as a pool, as
// a group of workers and as what runs tasks.

let arguments = Array(CommandLine.arguments.dropFirst())

if arguments.count == 2, arguments[0] == "--replay", let seed = UInt64(arguments[1]) {
    let simulation = Simulation(seed: seed)
    simulation.trace = { print($0) }
    var group = GroupSimulation(seed: seed)
    var tasks = TaskLives()
    let problems = simulation.run() + group.run() + tasks.live(seed: seed)
    for problem in problems { print("PROBLEM: \(problem)") }
    print(simulation.met)
    exit(problems.isEmpty ? 0 : 1)
}

let numbers = arguments.compactMap { UInt64($0) }
guard numbers.count == arguments.count, numbers.count >= 2 else {
    print("usage: simulate FIRST COUNT [SEED...] | simulate --replay SEED")
    exit(64)
}

var met = SimulationCounts()
var groups = GroupCounts()
var tasks = TaskLives()
var failed = 0
for seed in Array(numbers[2...]) + Array(numbers[0]..<numbers[0] + numbers[1]) {
    let simulation = Simulation(seed: seed)
    var group = GroupSimulation(seed: seed)
    let problems = simulation.run() + group.run() + tasks.live(seed: seed)
    met += simulation.met
    groups += group.met
    guard !problems.isEmpty else { continue }
    failed += 1
    print("seed \(seed): \(problems.joined(separator: "; "))")
    if failed == 10 { break }
}
print(
    "\(met.requests) requests, \(met.events) events, \(met.grants) grants, \(met.evictions) evictions, "
        + "\(met.expiries) expiries, \(met.hopeless) hopeless, \(met.retries) retries, \(met.ejections) ejections, "
        + "\(met.panics) panics")
print("outcomes: " + met.outcomes.map { "\($0.key.text) \($0.value)" }.sorted().joined(separator: ", "))
print("refusals: " + met.refusals.map { "\($0.key.text) \($0.value)" }.sorted().joined(separator: ", "))
print(
    "groups: \(groups.ends) items, \(groups.batches) batches, \(groups.ahead) of them ahead, \(groups.splits) failed, "
        + "\(groups.crashes) workers ended, \(groups.kills) killed, \(groups.forgotten) items forgotten")
print("items failed: " + groups.failures.map { "\($0.key.text) \($0.value)" }.sorted().joined(separator: ", "))
print(tasks.text)
if let problem = tasks.unfairness {
    print("seed 0 and all others: \(problem)")
    failed += 1
}
exit(failed == 0 ? 0 : 1)
