#pragma once

// The wall clock as the kernel keeps it. One call, no logic.

#include <errno.h>
#include <sys/timex.h>

/// The state of the wall clock (`TIME_ERROR`: nobody keeps it right), or the negated errno.
static inline int martlet_clock_state(void) {
    struct timex clock = {0};
    int state = adjtimex(&clock);
    return state < 0 ? -errno : state;
}
