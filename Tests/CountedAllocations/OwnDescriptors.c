#define _GNU_SOURCE
#include "OwnDescriptors.h"

#include <sched.h>

int own_descriptors(void) { return unshare(CLONE_FILES); }
