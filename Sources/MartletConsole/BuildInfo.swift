package import MartletTelemetry

/// What this binary is.
package enum BuildInfo {
    package static let current = Readings.Build(version: "0.1.0", commit: "unknown")
}
