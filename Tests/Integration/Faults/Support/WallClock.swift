import Foundation
import Testing

/// The wall clock of a process, moved while it runs: put in by `LD_PRELOAD`, as libfaketime does it, which also moves
/// the absolute times of timers that go by a clock it leaves alone, and so is no use here.
struct WallClock {
    private let folder: URL
    private var setting: URL { folder.appending(path: "setting") }
    private var library: URL { folder.appending(path: "clock.so") }

    /// - Parameter seconds: before or behind the real one, to begin with.
    init(shiftedBy seconds: Int = 0) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "martlet-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = folder.appending(path: "clock.c")
        try Self.code.write(to: source, atomically: false, encoding: .utf8)
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["clang", "-shared", "-fPIC", "-O1", "-o", library.path, source.path]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0, "clang comes with Swift")
        try shift(by: seconds)
    }

    /// For the process whose clock this is.
    var environment: [String: String] { ["LD_PRELOAD": library.path, "WALL_CLOCK": setting.path] }

    /// So many seconds before or behind the real one.
    func shift(by seconds: Int) throws {
        try "+\(seconds)".write(to: setting, atomically: true, encoding: .utf8)
    }

    /// It stands, at so many seconds since 1970.
    func stop(at seconds: Int) throws {
        try "=\(seconds)".write(to: setting, atomically: true, encoding: .utf8)
    }

    func remove() {
        try? FileManager.default.removeItem(at: folder)
    }

    private static let code = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <stdlib.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        int clock_gettime(clockid_t clock, struct timespec *now) {
            int result = syscall(SYS_clock_gettime, clock, now);
            if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return result;
            char text[32] = {0};
            int file = open(getenv("WALL_CLOCK"), O_RDONLY | O_CLOEXEC);
            if (file < 0) return result;
            if (read(file, text, sizeof text - 1) > 1) {
                long seconds = atol(text + 1);
                if (text[0] == '=') *now = (struct timespec){.tv_sec = seconds};
                else now->tv_sec += seconds;
            }
            close(file);
            return result;
        }

        int gettimeofday(struct timeval *time, void *zone) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            *time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
            return 0;
        }

        time_t time(time_t *seconds) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (seconds) *seconds = now.tv_sec;
            return now.tv_sec;
        }
        """
}
