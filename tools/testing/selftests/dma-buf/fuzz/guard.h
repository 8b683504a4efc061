/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_GUARD_H
#define FUZZ_GUARD_H

/* From now on a bad address ends the call that touches it, and no more. */
void guard_install(void);

#endif
