import Glibc
import MartletNet
import MartletWire

/// What this process and its machine have used, as Celery's workers tell it.
enum ProcessUsage {
    /// `rusage` of `inspect stats`.
    static var report: JSONValue {
        var usage = rusage()
        // SAFETY: the kernel fills the one structure that is passed.
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return "N/A" }
        return [
            "utime": .number(seconds(usage.ru_utime)), "stime": .number(seconds(usage.ru_stime)),
            "maxrss": number(usage.ru_maxrss), "ixrss": number(usage.ru_ixrss), "idrss": number(usage.ru_idrss),
            "isrss": number(usage.ru_isrss), "minflt": number(usage.ru_minflt), "majflt": number(usage.ru_majflt),
            "nswap": number(usage.ru_nswap), "inblock": number(usage.ru_inblock),
            "oublock": number(usage.ru_oublock), "msgsnd": number(usage.ru_msgsnd),
            "msgrcv": number(usage.ru_msgrcv), "nsignals": number(usage.ru_nsignals),
            "nvcsw": number(usage.ru_nvcsw), "nivcsw": number(usage.ru_nivcsw),
        ]
    }

    /// The most memory that it had at one time, in bytes.
    static var peakMemoryBytes: Int {
        var usage = rusage()
        // SAFETY: the kernel fills the one structure that is passed.
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        return usage.ru_maxrss * 1024
    }

    /// Of the machine, over 1, 5 and 15 minutes.
    static var load: [Double] {
        var load = [0.0, 0, 0]
        // SAFETY: three values are asked for, and there is room for three.
        let count = unsafe getloadavg(&load, 3)
        return count == 3 ? load.map { ($0 * 100).rounded() / 100 } : [0, 0, 0]
    }

    /// Hours that the local time is behind UTC: what events state.
    static var utcOffsetHours: Double {
        var now = time_t(SystemClock.seconds)
        // SAFETY: the one call reads one and fills the other; the pointer in it, the zone's name, is not looked at.
        var local = unsafe tm()
        guard unsafe localtime_r(&now, &local) != nil else { return 0 }
        let east = unsafe local.tm_gmtoff
        return east == 0 ? 0 : -Double(east) / 3600
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }

    private static func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
}
