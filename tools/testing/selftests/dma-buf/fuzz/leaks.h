/* SPDX-License-Identifier: GPL-2.0-only */
/* What is alive when no program is: always the same. */
#ifndef FUZZ_LEAKS_H
#define FUZZ_LEAKS_H

#include <stdbool.h>
#include <stddef.h>

void leaks_init(void);

/* Is more or less alive than at first? Then @text says of what. */
bool leaks_found(char *text, size_t room);

/* What is alive now is how it is to be; and from now on there is less patience. */
void leaks_forget(void);

#endif
