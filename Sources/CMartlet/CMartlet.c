// For what only GNU's library has. Not in the headers: see martlet_processes.h.
#define _GNU_SOURCE

#include "CMartlet.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t signal_pipe = -1;

static void write_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    // A full pipe holds news enough.
    (void)!write(signal_pipe, &byte, 1);
    errno = saved;
}

int martlet_signal_to_pipe(int number, int pipe) {
    signal_pipe = pipe;
    struct sigaction action = {.sa_handler = write_signal, .sa_flags = SA_RESTART};
    if (sigaction(number, &action, NULL) != 0) return errno;
    // Who started us may have had it blocked, and a mask is inherited.
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    return pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

int martlet_shared_memory(const char *name, off_t bytes) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -errno;
    if (ftruncate(fd, bytes) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) return fd;
    int failure = errno;
    close(fd);
    return -failure;
}

int martlet_spawn(
    const char *path, char *const *arguments, char *const *environment, int control, pid_t *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&files);
    if (failure) return failure;
    failure = posix_spawnattr_init(&attributes);
    if (!failure) {
        posix_spawn_file_actions_adddup2(&files, control, 3);
        posix_spawn_file_actions_addclosefrom_np(&files, 4);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        failure = posix_spawn(pid, path, &files, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&files);
    return failure;
}
