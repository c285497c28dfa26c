#pragma once

// Descriptors and sockets: what neither NIO nor Swift's libc overlay exposes. One call each, no logic.

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

/// Reads the limit on open files; UINT64_MAX stands for none. Returns 0, or the errno.
static inline int martlet_open_files_get(uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

/// Sets the limit on open files. Returns 0, or the errno.
static inline int martlet_open_files_set(uint64_t soft, uint64_t hard) {
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : errno;
}

/// Bytes written to a TCP socket that its peer has not acknowledged, or the negated errno.
static inline int martlet_unacknowledged(int fd) {
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : -errno;
}

/// Bytes that came over a socket and were not read yet, or the negated errno.
static inline int martlet_unread(int fd) {
    int bytes = 0;
    return ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : -errno;
}

/// The state of a TCP socket in the kernel's numbers (1 is ESTABLISHED, 8 CLOSE_WAIT), or the negated errno.
static inline int martlet_tcp_state(int fd) {
    struct tcp_info info;
    socklen_t length = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 ? info.tcpi_state : -errno;
}
