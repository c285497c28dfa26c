package import MartletLogic
package import MartletTelemetry

/// A group of workers at one moment, for those who watch it.
package struct GroupReading: Sendable {
    package struct Worker: Sendable {
        /// Counted from 0. Two have one number while one takes the place of the other.
        package let instance: Int
        package let vitals: ProcessVitals
    }

    /// Bytes of bodies in shared memory whose places are not given back yet.
    package struct Lying: Sendable {
        package let requests: Int
        package let answers: Int
    }

    package let name: String
    /// How many workers there should be.
    package let wanted: Int
    /// How many serve.
    package let ready: Int
    /// Requests that wait for a worker, those in the pool's queue not among them.
    package let waiting: Int
    /// Requests that the workers have.
    package let computing: Int
    package let workers: [Worker]
    /// How many were replaced although they served.
    package let recycled: [RecycleReason: Int]
    package let lying: Lying
    package let compute: ComputeLedger
    package let figures: [AppFigures.Row]
}
