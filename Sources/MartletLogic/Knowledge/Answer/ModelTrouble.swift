/// Why an answer had to do without its model. The names are part of what clients read.
public enum ModelTrouble: String, Sendable, CaseIterable {
    /// None is configured, or none of that name.
    case absent = "model_absent"
    /// It does not answer, breaks off, or says nothing.
    case down = "model_down"
    /// It is over its limits.
    case busy = "model_busy"
    /// It did not begin in time.
    case slow = "model_slow"
}
