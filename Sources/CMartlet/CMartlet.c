#include "CMartlet.h"

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
