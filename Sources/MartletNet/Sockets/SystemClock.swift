import CMartlet
import Glibc

/// The wall clock, by which logs are dated and certificates judged; everything else goes by the monotonic one.
package enum SystemClock {
    /// Whether something (NTP, PTP, the hypervisor) keeps it right; nil where the kernel does not tell.
    package static var isSynchronised: Bool? {
        let state = martlet_clock_state()
        return state < 0 ? nil : state != TIME_ERROR
    }

    /// Seconds since 1970.
    package static var seconds: Double {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)  // SAFETY: the kernel fills the one structure that is passed.
        return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
    }
}
