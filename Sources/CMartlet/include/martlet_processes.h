#pragma once

// Parents, children, and descriptors handed from one to the other: what Swift's libc overlay does not expose. One call
// each, no logic. Feature macros such as _GNU_SOURCE must not be set here: the same system headers, read with and
// without them, are two definitions of one thing to a compiler with modules.

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/// Sends one message over a Unix domain socket, with a copy of the descriptor `fd` unless that is -1; never waits.
/// Returns 0, or the errno.
static inline int martlet_send_descriptor(int socket, const void *bytes, size_t length, int fd) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    _Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))];
    memset(space, 0, sizeof space);
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = space;
        message.msg_controllen = sizeof space;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ? 0 : errno;
}

/// Receives one message; `fd` becomes the descriptor that came with it (close-on-exec), or -1. `flags` as for recvmsg.
/// Returns the bytes received (0: the other end is closed), or the negated errno.
static inline ssize_t martlet_receive_descriptor(int socket, void *bytes, size_t capacity, int *fd, int flags) {
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    _Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))];
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    *fd = -1;
    ssize_t count = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    if (count < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(header), sizeof(int));
    return count;
}

/// Makes memory of `bytes` bytes that can be handed to another process, as a file without a name, closed in children.
/// Nobody can make it shorter or longer. Returns its descriptor, or the negated errno.
int martlet_shared_memory(const char *name, off_t bytes);

/// Starts `path` as the leader of a process group of its own, which a terminal's Ctrl-C does not reach. It inherits the
/// standard streams and, as descriptor 3, `control`; nothing else. Returns 0, or the errno.
int martlet_spawn(
    const char *path, char *const *arguments, char *const *environment, int control, pid_t *pid);

/// From now on each arrival of `signal` writes its number, one byte, to `pipe`. One pipe for the process.
/// Returns 0, or the errno.
int martlet_signal_to_pipe(int signal, int pipe);
