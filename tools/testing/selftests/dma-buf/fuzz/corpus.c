// SPDX-License-Identifier: GPL-2.0-only
#include "corpus.h"

#define MOST_PROGRAMS	1024

static struct program programs[MOST_PROGRAMS];
static unsigned int count;

void corpus_add(const struct program *program, struct random *random)
{
	unsigned int at = count < MOST_PROGRAMS ? count++ : random_below(random, count);

	programs[at] = *program;
}

unsigned int corpus_size(void)
{
	return count;
}

const struct program *corpus_pick(struct random *random)
{
	return &programs[count - 1 - random_low(random, count)];
}
