#pragma once

#include "martlet_sockets.h"
