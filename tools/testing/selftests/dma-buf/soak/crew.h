/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes that are at work, of which one is killed every now and then. */
#ifndef SOAK_CREW_H
#define SOAK_CREW_H

#include <stdbool.h>
#include <linux/types.h>

#include "fuzz/random.h"

/* Called once. */
bool crew_init(void);

/*
 * Lets them work for some seconds, and returns when none is left. False: one died of
 * something, or didn't end.
 */
bool crew_run(unsigned long seconds, struct random *random);

#endif
