#pragma once

// First, because it says which declarations the headers of the system give.
#include "martlet_processes.h"

#include "martlet_clock.h"
#include "martlet_sockets.h"
