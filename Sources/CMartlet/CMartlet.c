// For what only GNU's library has. Not in the headers: see martlet_processes.h.
#define _GNU_SOURCE

#include "CMartlet.h"

#include <spawn.h>
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
    return sigaction(number, &action, NULL) == 0 ? 0 : errno;
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
