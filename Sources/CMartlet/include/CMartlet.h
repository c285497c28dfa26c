#pragma once

#include "martlet_processes.h"
#include "martlet_sockets.h"
