import MartletLogic

/// How long a client of the broker waits for what.
package struct TaskBrokerTimes: Sendable {
    /// For a connection, its first words included.
    package var connect: Duration = .seconds(5)
    /// For the reply to a command. A broker whose disk is slow answers late, and what was taken on a connection that
    /// ends goes back: rather long.
    package var reply: Duration = .seconds(20)
    /// How long a call waits for a connection during an outage; then it throws.
    package var outage: Duration = .seconds(5)
    /// After so long a wait for work is asked for anew. A wait that is not answered in twice the time is over: its
    /// connection is of no use any more.
    package var wait: Duration = .seconds(10)
    /// After so long a connection on which nobody waits any more for a list is closed.
    package var idle: Duration = .seconds(60)
    /// How often a connection that only listens is asked whether it still is one.
    package var listening: Duration = .seconds(10)
    /// Between attempts to connect: a random part of the first, doubled up to the longest.
    package var firstPause: Duration = .milliseconds(50)
    package var longestPause: Duration = .seconds(2)
    /// Between attempts at a broker of another version than ours: until somebody upgrades one of them.
    package var versionPause: Duration = .seconds(30)

    package init() {}

    var pauses: TaskRetryPolicy {
        var policy = TaskRetryPolicy()
        policy.base = firstPause
        policy.longest = longestPause
        return policy
    }
}
