/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that a seed gives: the same ones on every machine. */
#ifndef FUZZ_RANDOM_H
#define FUZZ_RANDOM_H

#include <stdbool.h>
#include <linux/types.h>

struct random {
	__u64 state;
};

/* Steps of an odd size through all numbers, with the bits mixed afterwards. */
static inline __u64 random_next(struct random *random)
{
	__u64 bits = random->state += 0x9e3779b97f4a7c15ULL;

	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9ULL;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111ebULL;
	return bits ^ bits >> 31;
}

/* Less than @limit, which isn't 0. */
static inline unsigned int random_below(struct random *random, unsigned int limit)
{
	return (random_next(random) >> 16) % limit;
}

/* Small numbers more often than large ones: those who draw should meet. */
static inline unsigned int random_low(struct random *random, unsigned int limit)
{
	return random_below(random, 1 + random_below(random, limit));
}

static inline bool one_in(struct random *random, unsigned int chances)
{
	return !random_below(random, chances);
}

/* A number of its own for each program of a seed. */
static inline struct random random_from(__u64 seed, __u64 number)
{
	struct random random = { .state = seed };

	random.state = random_next(&random) ^ number * 0xd1342543de82ef95ULL;
	return random;
}

#endif
