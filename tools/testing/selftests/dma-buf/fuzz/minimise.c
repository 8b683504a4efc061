// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "leaks.h"
#include "minimise.h"
#include "run.h"
#include "splat.h"

/* A race may need a few tries. */
#define FIRST_TRIES	30
#define TRIES		10
#define MOST_SECONDS	240

static time_t end;

enum outcome run_and_look(const struct program *program, char *text, size_t room)
{
	if (!run_program(program)) {
		snprintf(text, room, "processes that cannot be killed");
		return STUCK;
	}
	return splats_seen(text, room) || leaks_found(text, room) ? TROUBLE : NO_TROUBLE;
}

/* What is stuck once can't be tried again. */
static bool makes_trouble(const struct program *program, int tries)
{
	enum outcome outcome = NO_TROUBLE;
	char text[256];

	while (tries-- && outcome == NO_TROUBLE && time(NULL) < end) {
		splats_forget();
		leaks_forget();
		outcome = run_and_look(program, text, sizeof(text));
		if (outcome == STUCK)
			end = 0;
	}
	return outcome == TROUBLE;
}

/* Keeps the change if it leaves the trouble. */
static bool try(struct program *program, const struct program *changed)
{
	if (!makes_trouble(changed, TRIES))
		return false;
	*program = *changed;
	return true;
}

static bool cut_calls(struct program *program, unsigned int count)
{
	bool smaller = false;
	unsigned int at = 0;

	while (at + count <= program->count) {
		struct program changed = *program;

		program_cut(&changed, at, count);
		if (changed.count && try(program, &changed))
			smaller = true;
		else
			at += count;
	}
	return smaller;
}

static bool cut_all(struct program *program)
{
	unsigned int count;
	bool smaller = false;

	for (count = program->count / 2; count; count /= 2)
		smaller |= cut_calls(program, count);
	return smaller;
}

static void shrink_number(struct program *program, size_t offset)
{
	while (((__u8 *)program)[offset] > 1) {
		struct program changed = *program;

		((__u8 *)&changed)[offset]--;
		if (!try(program, &changed))
			break;
	}
}

static void shrink_numbers(struct program *program)
{
	shrink_number(program, offsetof(struct program, processes));
	shrink_number(program, offsetof(struct program, threads));
	shrink_number(program, offsetof(struct program, rounds));
}

/* Arguments of 0 are the plainest. */
static void clear_arguments(struct program *program)
{
	unsigned int call, arg;

	for (call = 0; call < program->count; call++) {
		for (arg = 0; arg < count_fields(&call_types[program->calls[call].type]); arg++) {
			struct program changed = *program;

			if (!changed.calls[call].args[arg])
				continue;
			changed.calls[call].args[arg] = 0;
			try(program, &changed);
		}
	}
}

bool minimise(struct program *program)
{
	end = time(NULL) + MOST_SECONDS;
	if (!makes_trouble(program, FIRST_TRIES))
		return false;
	shrink_numbers(program);
	while (cut_all(program))
		;
	shrink_numbers(program);
	clear_arguments(program);
	return true;
}
