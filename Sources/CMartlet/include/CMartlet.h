#pragma once

#include "martlet_clock.h"
#include "martlet_matrix.h"
#include "martlet_processes.h"
#include "martlet_sockets.h"
#include "martlet_vectors.h"
