/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that the environment may set. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdlib.h>

/* What a variable says, if that is a number and not 0. */
static inline unsigned long number_from(const char *variable, unsigned long otherwise)
{
	const char *value = getenv(variable);
	unsigned long number = value ? strtoul(value, NULL, 0) : 0;

	return number ?: otherwise;
}

#endif
