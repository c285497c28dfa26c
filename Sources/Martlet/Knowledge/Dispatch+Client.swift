extension Dispatch {
    /// In the name of the client whose request the task answers; of this process itself, where it answers none.
    var inNameOfClient: Dispatch { Run.current?.dispatch ?? self }
}
